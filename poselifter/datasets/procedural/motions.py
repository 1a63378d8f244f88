"""The motions as data: how a description is read stands in ``planner``."""

from __future__ import annotations

#: Drawn once a clip. ``tempo``: speed of moves; ``swing``: degrees of an arm for a leg length between the feet;
#: ``hips``, ``drop``: pelvis turn and tilt in a step, degrees; ``shift``: how far the weight goes over the standing
#: foot; ``stance``, ``step_width``: between the ankles, share of stature; ``uneven``: difference of the arms;
#: ``idle``: scale of the sway.
STYLE = {
    'tempo': (0.8, 1.2),
    'swing': (10, 32),
    'hips': (3, 8),
    'drop': (2, 5),
    'shift': (0.25, 0.6),
    'stance': (0.10, 0.17),
    'step_width': (0.045, 0.08),
    'toe_out': (2, 12),
    'uneven': (-0.2, 0.2),
    'idle': (0.5, 1.4),
}

REST = {
    'height': (0.98, 0.993),
    'pitch': (0, 4),
    'lean': (-3, 5),
    'nod': (-4, 8),
    'arms_flex': (-10, 2),
    'arms_abd': (7, 14),
    'arms_rot': (-25, -5),
    'arms_elbow': (12, 28),
}

_PAUSE = {'do': 'hold', 'time': (0.1, 0.6)}
_BACK = {'do': 'pose', 'time': (0.5, 0.9)}

_WALK = {'do': 'steps', 'length': (0.34, 0.46), 'to': {'height': (0.95, 0.975), 'pitch': (3, 7), 'lean': (-3, 4)}}

_BESIDE_HEAD = {'lead_flex': (0, 20), 'lead_abd': (68, 83), 'lead_rot': (60, 78), 'lead_elbow': 75}
_BEFORE_CHEST = {'lead_flex': (50, 75), 'lead_abd': (15, 40), 'lead_rot': 10, 'lead_elbow': (95, 120)}
_OVERHEAD = {'lead_flex': (145, 162), 'lead_abd': 15, 'lead_rot': (-5, 15), 'lead_elbow': (15, 40)}


def _swings(there: dict, back: dict, time=(0.17, 0.32)) -> dict:
    """To and fro a few times."""
    strokes = [{'do': 'pose', 'time': time, 'to': to, 'keep': True} for to in (there, back)]
    return {'do': 'repeat', 'times': (2, 5), 'moves': strokes}


def _wave(raised: dict, there: dict, back: dict) -> list:
    return [{'do': 'pose', 'time': (0.5, 0.9), 'to': raised}, _swings(there, back), _BACK, _PAUSE]


def _reach(time, to: dict) -> list:
    """There, stay, perhaps bring something to the chest, and back."""
    chest = {'lead_flex': (20, 40), 'lead_abd': (5, 20), 'lead_rot': (-45, -25), 'lead_elbow': (85, 110), 'gaze': 0.6}
    ends = [[_BACK], [{'do': 'pose', 'time': (0.6, 1.0), 'to': chest}, {'do': 'hold', 'time': (0.2, 0.6)}, _BACK]]
    reach = {'do': 'pose', 'time': time, 'to': {'gaze': (0.5, 0.9), **to}}
    return [reach, {'do': 'hold', 'time': (0.1, 0.5)}, {'do': 'choose', 'among': ends}, _PAUSE]


def _squat(arms: dict) -> list:
    down = {'height': (0.47, 0.75), 'pitch': (14, 24), 'lean': (12, 24), **arms}
    return [
        {'do': 'pose', 'time': (0.7, 1.3), 'to': down},
        {'do': 'hold', 'time': (0.05, 0.5)},
        {'do': 'pose', 'time': (0.6, 1.1)},
        _PAUSE,
    ]


DESCRIPTIONS = {
    'walk': {
        'captions': ['a person walks', 'a person is walking', 'someone walks around at their own pace'],
        'moves': [
            {
                'do': 'choose',
                'among': [
                    [{**_WALK, 'count': (6, 10), 'turn': (0, 15), 'stop': False}],
                    [{**_WALK, 'count': (5, 9), 'turn': (15, 80), 'stop': False}],
                ],
            }
        ],
    },
    'wave': {
        'captions': ['a person waves a hand', 'a person is waving', 'someone raises an arm and waves'],
        'moves': [
            {
                'do': 'choose',
                'among': [
                    _wave(_BESIDE_HEAD, {'lead_elbow': (95, 115)}, {'lead_elbow': (50, 75)}),
                    _wave(_BEFORE_CHEST, {'lead_rot': (25, 45)}, {'lead_rot': (-25, -5)}),
                    _wave(_OVERHEAD, {'lead_abd': (28, 42)}, {'lead_abd': (-5, 8)}),
                ],
            }
        ],
    },
    'squat': {
        'captions': ['a person squats', 'a person does squats', 'someone bends the knees, goes down and stands up'],
        'style': {'stance': (0.16, 0.24), 'toe_out': (8, 22)},
        'moves': [
            {
                'do': 'choose',
                'among': [
                    _squat({'arms_flex': (70, 95), 'arms_abd': (0, 12), 'arms_elbow': (5, 20)}),
                    _squat(
                        {'arms_flex': (25, 45), 'arms_abd': (8, 15), 'arms_rot': (-50, -35), 'arms_elbow': (100, 120)}
                    ),
                    _squat({'arms_flex': (15, 35), 'arms_abd': (12, 20)}),
                ],
            }
        ],
    },
    'jump': {
        'captions': ['a person jumps', 'a person jumps with both feet', 'someone crouches and jumps up'],
        'style': {'stance': (0.11, 0.18)},
        'moves': [
            {
                'do': 'jump',
                'height': (0.12, 0.38),
                'distance': (-0.05, 0.55),
                'tuck': (0.0, 0.12),
                'down': (0.4, 0.65),
                'crouch': {
                    'height': (0.66, 0.8),
                    'pitch': (12, 22),
                    'lean': (12, 22),
                    'arms_flex': (-48, -25),
                    'arms_elbow': (15, 35),
                },
                'off': {'arms_flex': (20, 60), 'arms_abd': (10, 20), 'arms_elbow': (20, 50)},
                'air': {'lean': (4, 12), 'arms_flex': (60, 125), 'arms_abd': (10, 25), 'arms_elbow': (20, 45)},
                'land': {'pitch': (4, 8), 'lean': (6, 14), 'arms_flex': (40, 80), 'arms_abd': (14, 25)},
                'absorb': {
                    'height': (0.68, 0.82),
                    'pitch': (12, 20),
                    'lean': (12, 20),
                    'arms_flex': (5, 40),
                    'arms_abd': (14, 25),
                    'arms_elbow': (25, 45),
                },
            },
            _BACK,
            _PAUSE,
        ],
    },
    'reach': {
        'captions': [
            'a person reaches for something',
            'a person stretches out an arm',
            'someone reaches out to grab a thing',
        ],
        'moves': [
            {
                'do': 'choose',
                'among': [
                    _reach(
                        (0.7, 1.2),
                        {
                            'lead_flex': (135, 160),
                            'lead_abd': (0, 20),
                            'lead_elbow': (5, 30),
                            'side': (-8, 0),
                            'twist': (-12, 0),
                        },
                    ),
                    _reach(
                        (0.6, 1.0),
                        {
                            'lead_flex': (70, 100),
                            'lead_abd': (-15, 20),
                            'lead_elbow': (5, 30),
                            'lean': (6, 20),
                            'twist': (-20, -5),
                        },
                    ),
                    _reach(
                        (0.6, 1.0),
                        {
                            'lead_flex': (0, 30),
                            'lead_abd': (70, 95),
                            'lead_rot': (0, 40),
                            'lead_elbow': (5, 25),
                            'side': (4, 14),
                        },
                    ),
                    _reach(
                        (0.9, 1.5),
                        {
                            'height': (0.62, 0.85),
                            'pitch': (22, 34),
                            'lean': (25, 42),
                            'twist': (-15, 0),
                            'lead_flex': (50, 85),
                            'lead_abd': (0, 15),
                            'lead_elbow': (5, 20),
                            'rear_flex': (10, 40),
                        },
                    ),
                    _reach(
                        (0.7, 1.2),
                        {'arms_flex': (70, 150), 'arms_abd': (0, 10), 'arms_elbow': (10, 30), 'lean': (0, 12)},
                    ),
                ],
            }
        ],
    },
    'turn': {
        'captions': ['a person turns around', 'a person turns on the spot', 'someone steps around to face another way'],
        'moves': [
            {'do': 'steps', 'turn': (50, 190), 'per_step': (24, 40), 'time': (0.4, 0.65), 'clearance': (0.05, 0.1)},
            {'do': 'hold', 'time': (0.2, 0.7)},
        ],
    },
}

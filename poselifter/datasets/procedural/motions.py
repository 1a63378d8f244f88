"""The motions as data: how a description is read stands in ``planner``."""

#: Drawn once a clip. ``tempo``: speed of moves; ``swing``: degrees of an arm for a leg length between the feet;
#: ``hips``, ``drop``: pelvis turn and tilt in a step, degrees; ``shift``: how far the weight goes over the standing
#: foot; ``stance``, ``step_width``: between the ankles, share of stature; ``uneven``: difference of the arms;
#: ``idle``: scale of the sway.
STYLE = {
    'tempo': (0.8, 1.2),
    'swing': (8, 25),
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
    'height': (0.977, 0.99),
    'pitch': (0, 4),
    'lean': (-3, 5),
    'nod': (-4, 8),
    'arms_flex': (-10, 2),
    'arms_abd': (7, 14),
    'arms_rot': (-25, -5),
    'arms_elbow': (12, 28),
}


def _pose(time, keep: bool = False, **to) -> dict:
    return {'do': 'pose', 'time': time, 'keep': keep, 'to': to}


def _hold(time) -> dict:
    return {'do': 'hold', 'time': time}


def _choose(*among: list) -> dict:
    return {'do': 'choose', 'among': among}


_BACK = _pose((0.5, 0.9))
_PAUSE = _hold((0.1, 0.6))


def _walk(count, turn) -> list:
    pose = {'height': (0.95, 0.975), 'pitch': (3, 7), 'lean': (-3, 4)}
    return [{'do': 'steps', 'length': (0.34, 0.46), 'count': count, 'turn': turn, 'stop': False, 'to': pose}]


def _wave(there: dict, back: dict, **raised) -> list:
    """The hand goes up, to and fro a few times, and down."""
    strokes = [_pose((0.17, 0.32), keep=True, **to) for to in (there, back)]
    return [_pose((0.5, 0.9), **raised), {'do': 'repeat', 'times': (2, 5), 'moves': strokes}, _BACK, _PAUSE]


def _squat(**arms) -> list:
    down = _pose((0.7, 1.3), height=(0.47, 0.75), pitch=(14, 24), lean=(12, 24), **arms)
    return [down, _hold((0.05, 0.5)), _pose((0.6, 1.1)), _PAUSE]


def _reach(time, **to) -> list:
    """There, stay, perhaps bring something to the chest, and back."""
    chest = _pose((0.6, 1.0), lead_flex=(20, 40), lead_abd=(5, 20), lead_rot=(-45, -25), lead_elbow=(85, 110), gaze=0.6)
    return [
        _pose(time, gaze=(0.5, 0.9), **to),
        _hold((0.1, 0.5)),
        _choose([_BACK], [chest, _hold((0.2, 0.6)), _BACK]),
        _PAUSE,
    ]


_JUMP = {
    'do': 'jump',
    'height': (0.12, 0.38),
    'distance': (-0.05, 0.55),
    'tuck': (0.0, 0.12),
    'down': (0.4, 0.65),
    'crouch': {
        'height': (0.58, 0.72),
        'pitch': (12, 22),
        'lean': (12, 22),
        'arms_flex': (-40, -15),
        'arms_elbow': (15, 35),
    },
    'off': {'arms_flex': (0, 45), 'arms_abd': (10, 20), 'arms_elbow': (20, 50)},
    'air': {'lean': (4, 12), 'arms_flex': (30, 110), 'arms_abd': (10, 25), 'arms_elbow': (20, 45)},
    'land': {'pitch': (2, 6), 'lean': (3, 9), 'arms_flex': (25, 60), 'arms_abd': (14, 25)},
    'absorb': {
        'height': (0.62, 0.78),
        'pitch': (12, 20),
        'lean': (12, 20),
        'arms_flex': (5, 40),
        'arms_abd': (14, 25),
        'arms_elbow': (25, 45),
    },
}
_TURN = {'do': 'steps', 'turn': (50, 190), 'per_step': (24, 40), 'time': (0.4, 0.65), 'clearance': (0.05, 0.1)}

#: By name, in the order of the labels: ``captions``, ``moves`` (repeated as long as a clip lasts), and what differs
#: from ``STYLE`` and ``REST``. A new motion goes to the end of ``GESTURES``.
DESCRIPTIONS = {
    'walk': {
        'captions': ['a person walks', 'a person is walking', 'someone walks around at their own pace'],
        'moves': [_choose(_walk((6, 10), (0, 15)), _walk((5, 9), (15, 80)))],
    },
    'wave': {
        'captions': ['a person waves a hand', 'a person is waving', 'someone raises an arm and waves'],
        'moves': [
            _choose(
                _wave(  # beside the head
                    *({'lead_elbow': (95, 115)}, {'lead_elbow': (50, 75)}),
                    lead_flex=(0, 20),
                    lead_abd=(68, 83),
                    lead_rot=(60, 78),
                    lead_elbow=75,
                ),
                _wave(  # before the chest
                    *({'lead_rot': (25, 45)}, {'lead_rot': (-25, -5)}),
                    lead_flex=(50, 75),
                    lead_abd=(15, 40),
                    lead_rot=10,
                    lead_elbow=(95, 120),
                ),
                _wave(  # overhead
                    *({'lead_abd': (28, 42)}, {'lead_abd': (-5, 8)}),
                    lead_flex=(145, 162),
                    lead_abd=15,
                    lead_rot=(-5, 15),
                    lead_elbow=(15, 40),
                ),
            )
        ],
    },
    'squat': {
        'captions': ['a person squats', 'a person does squats', 'someone bends the knees, goes down and stands up'],
        'style': {'stance': (0.16, 0.24), 'toe_out': (8, 22)},
        'moves': [
            _choose(
                _squat(arms_flex=(70, 95), arms_abd=(0, 12), arms_elbow=(5, 20)),
                _squat(arms_flex=(25, 45), arms_abd=(8, 15), arms_rot=(-50, -35), arms_elbow=(100, 120)),
                _squat(arms_flex=(15, 35), arms_abd=(12, 20)),
            )
        ],
    },
    'jump': {
        'captions': ['a person jumps', 'a person jumps with both feet', 'someone crouches and jumps up'],
        'style': {'stance': (0.11, 0.18)},
        'moves': [_JUMP, _BACK, _PAUSE],
    },
    'reach': {
        'captions': ['a person reaches for something', 'a person stretches out an arm', 'someone reaches for a thing'],
        'moves': [
            _choose(
                _reach(  # up
                    (0.7, 1.2),
                    lead_flex=(135, 160),
                    lead_abd=(0, 20),
                    lead_elbow=(5, 30),
                    side=(-8, 0),
                    twist=(-12, 0),
                ),
                _reach(  # forward
                    (0.6, 1.0),
                    lead_flex=(70, 100),
                    lead_abd=(-15, 20),
                    lead_elbow=(5, 30),
                    lean=(6, 20),
                    twist=(-20, -5),
                ),
                _reach(  # sideways
                    (0.6, 1.0),
                    lead_flex=(0, 30),
                    lead_abd=(65, 83),
                    lead_rot=(0, 40),
                    lead_elbow=(5, 25),
                    side=(4, 14),
                ),
                _reach(  # down
                    (0.9, 1.5),
                    height=(0.62, 0.85),
                    pitch=(22, 34),
                    lean=(25, 42),
                    twist=(-15, 0),
                    lead_flex=(50, 85),
                    lead_abd=(0, 15),
                    lead_elbow=(5, 20),
                    rear_flex=(10, 40),
                ),
                _reach(  # with both hands
                    (0.7, 1.2), arms_flex=(70, 150), arms_abd=(0, 10), arms_elbow=(10, 30), lean=(0, 12)
                ),
            )
        ],
    },
    'turn': {
        'captions': ['a person turns around', 'a person turns on the spot', 'someone steps around to face another way'],
        'moves': [_TURN, _hold((0.2, 0.7))],
    },
}

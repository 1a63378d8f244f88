"""Gestures and exercises as data; how a description is read stands in ``planner``."""

from .motions import _BACK, _PAUSE, _choose, _hold, _pose


def _cycle(there: dict, back: dict, time: tuple, times: tuple, **start) -> list:
    """Into a pose, to and fro from there a few times, and back to rest."""
    strokes = [_pose(time, keep=True, **to) for to in (there, back)]
    return [_pose((0.5, 0.9), **start), {'do': 'repeat', 'times': times, 'moves': strokes}, _BACK, _PAUSE]


def _stay(time: tuple, hold: tuple, **to) -> list:
    """Into a pose, there for a while, and back to rest."""
    return [_pose(time, **to), _hold(hold), _BACK, _PAUSE]


def _steps(count: tuple, time: tuple, length, clearance: tuple, **to) -> list:
    steps = {'do': 'steps', 'turn': (0, 8), 'count': count, 'time': time, 'length': length, 'clearance': clearance}
    return [{**steps, 'stop': False, 'to': to}]


_PUNCHES = [
    [_pose((0.2, 0.35), keep=True, **{f'{side}_flex': (78, 95), f'{side}_elbow': (5, 20), 'twist': turn}),
     _pose((0.2, 0.35), keep=True, **{f'{side}_flex': (30, 45), f'{side}_elbow': (115, 135), 'twist': 0})]
    for side, turn in (('lead', (-25, -10)), ('rear', (10, 25)))
]  # fmt: skip
_HIPS = {'arms_abd': (32, 42), 'arms_rot': (-60, -48), 'arms_elbow': (85, 105)}  # hands on the hips
_SPREAD = {'arms_abd': (72, 84), 'arms_rot': (-10, 10), 'arms_elbow': (5, 20)}

#: As ``DESCRIPTIONS`` of ``motions``: captions, moves, and perhaps style.
_TABLE = {
    'clap': (
        ['a person claps', 'a person is clapping hands', 'someone applauds'],
        _cycle(
            {'arms_rot': (-62, -52)}, {'arms_rot': (-25, -5)}, (0.14, 0.28), (4, 9),
            arms_flex=(38, 60), arms_abd=(5, 18), arms_rot=-20, arms_elbow=(80, 105),
        ),
    ),
    'box': (
        ['a person boxes', 'a person throws punches', 'someone is boxing with both fists'],
        [
            _pose((0.4, 0.6), arms_flex=(30, 45), arms_abd=(5, 15), arms_elbow=(115, 135), lean=(4, 10)),
            {'do': 'repeat', 'times': (3, 7), 'moves': [_choose(*_PUNCHES)]},
        ],
    ),
    'throw': (
        ['a person throws something', 'a person throws a ball', 'someone swings an arm back and throws'],
        [
            _pose(
                (0.5, 0.9), lead_flex=(-5, 15), lead_abd=(70, 84), lead_rot=(60, 78), lead_elbow=(80, 105),
                twist=(12, 28), lean=(-10, -2), rear_flex=(20, 45),
            ),
            _pose(
                (0.25, 0.4), lead_flex=(75, 110), lead_abd=(0, 15), lead_rot=(-10, 10), lead_elbow=(5, 25),
                twist=(-30, -15), lean=(8, 22),
            ),
            _BACK, _PAUSE,
        ],
    ),
    'drink': (
        ['a person drinks', 'a person takes a sip from a glass', 'someone lifts a cup to the mouth'],
        _stay(
            (0.7, 1.2), (0.5, 1.6), lead_flex=(35, 55), lead_abd=(12, 30), lead_rot=(-45, -25), lead_elbow=(122, 140),
            nod=(-24, -8),
        ),
    ),
    'bow': (
        ['a person bows', 'a person takes a bow', 'someone bends forward to greet'],
        _stay((0.7, 1.2), (0.3, 1.2), pitch=(18, 36), lean=(18, 40), nod=(0, 20)),
    ),
    'nod': (
        ['a person nods', 'a person says yes with the head', 'someone nods the head up and down'],
        _cycle({'nod': (22, 36)}, {'nod': (-22, -8)}, (0.18, 0.35), (3, 6)),
    ),
    'cheer': (
        ['a person cheers', 'a person throws both arms up', 'someone is happy and raises both hands'],
        _cycle(
            {'arms_elbow': (60, 95)}, {'arms_elbow': (8, 25)}, (0.18, 0.32), (2, 5),
            arms_flex=(140, 162), arms_abd=(10, 25), arms_elbow=(10, 30),
        ),
    ),
    'side_bend': (
        ['a person bends sideways', 'a person does side bends', 'someone leans to the left and to the right'],
        _cycle({'side': (16, 28)}, {'side': (-28, -16)}, (0.7, 1.2), (1, 3), **_HIPS),
    ),
    'twist': (
        ['a person twists the trunk', 'a person does trunk twists', 'someone turns the upper body left and right'],
        _cycle({'twist': (22, 36)}, {'twist': (-36, -22)}, (0.5, 0.9), (2, 4), **_SPREAD),
    ),
    'stretch': (
        ['a person stretches', 'a person stretches both arms overhead', 'someone reaches up and leans back'],
        _stay((0.9, 1.5), (0.8, 2.0), arms_flex=(148, 165), arms_abd=(5, 18), arms_elbow=(5, 18), lean=(-16, -6)),
    ),
    'salute': (
        ['a person salutes', 'a person gives a military salute', 'someone brings a hand to the forehead'],
        _stay(
            (0.4, 0.7), (0.5, 1.5), lead_flex=(10, 30), lead_abd=(66, 82), lead_rot=(42, 60), lead_elbow=(122, 140)
        ),
    ),
    'push': (
        ['a person pushes', 'a person pushes something away', 'someone pushes forward with both hands'],
        _cycle(
            {'arms_flex': (72, 95), 'arms_elbow': (5, 22), 'lean': (8, 20)},
            {'arms_flex': (15, 35), 'arms_elbow': (112, 132), 'lean': (-2, 4)}, (0.4, 0.8), (1, 3),
            arms_flex=(15, 35), arms_abd=(8, 18), arms_elbow=(112, 132),
        ),
    ),
    'pull': (
        ['a person pulls', 'a person pulls a rope', 'someone pulls something in with both hands'],
        _cycle(
            {'arms_flex': (-15, 8), 'arms_elbow': (85, 110), 'lean': (-14, -5)},
            {'arms_flex': (62, 80), 'arms_elbow': (5, 18), 'lean': (14, 26)}, (0.6, 1.1), (1, 3),
            arms_flex=(62, 80), arms_abd=(0, 8), arms_elbow=(5, 18), lean=(14, 26), height=(0.9, 0.95),
        ),
    ),
    'march': (
        ['a person marches on the spot', 'a person marches in place', 'someone lifts the knees one after the other'],
        _steps((6, 12), (0.5, 0.75), 0.0, (0.16, 0.3), arms_flex=(-5, 25), arms_elbow=(60, 95)),
    ),
    'sneak': (
        ['a person sneaks', 'a person walks in a crouch', 'someone creeps along with bent knees'],
        _steps(
            (5, 9), (0.6, 0.95), (0.2, 0.28), (0.1, 0.16), height=(0.74, 0.84), pitch=(10, 18), lean=(14, 26),
            arms_flex=(10, 30), arms_elbow=(55, 90),
        ),
    ),
    'phone': (
        ['a person makes a phone call', 'a person holds a phone to the ear', 'someone is on the phone'],
        _stay(
            (0.6, 1.0), (1.0, 3.0), lead_flex=(15, 35), lead_abd=(30, 48), lead_rot=(-8, 15), lead_elbow=(130, 142),
            tilt=(6, 16),
        ),
    ),
    'wipe': (
        ['a person wipes a table', 'a person cleans a surface', 'someone moves a hand to and fro over a table'],
        _cycle(
            {'lead_rot': (25, 45)}, {'lead_rot': (-50, -30)}, (0.25, 0.5), (3, 7),
            lead_flex=(30, 48), lead_abd=(5, 18), lead_rot=0, lead_elbow=(45, 70), pitch=(8, 16), lean=(12, 26),
            gaze=(0.4, 0.8),
        ),
    ),
    'swim': (
        ['a person does swimming strokes', 'a person swims in the air', 'someone parts the air with both arms'],
        [
            _pose((0.5, 0.8), arms_flex=(75, 92), arms_abd=(0, 6), arms_elbow=(5, 18), lean=(14, 28)),
            _pose((0.4, 0.8), keep=True, arms_flex=(62, 80), arms_abd=(55, 75), arms_elbow=(5, 25)),
            _pose((0.4, 0.7), keep=True, arms_flex=(15, 30), arms_abd=(8, 18), arms_elbow=(110, 132)),
        ],
    ),
    'lift': (
        ['a person lifts a box', 'a person picks something up with both hands', 'someone puts a heavy thing up high'],
        [
            _pose(
                (0.9, 1.4), height=(0.55, 0.74), pitch=(20, 32), lean=(24, 38), arms_flex=(45, 70), arms_abd=(0, 8),
                arms_elbow=(8, 25),
            ),
            _hold((0.1, 0.4)),
            _pose((0.7, 1.1), arms_flex=(20, 35), arms_abd=(0, 8), arms_elbow=(75, 95)),
            _choose([], [_pose((0.6, 1.0), arms_flex=(105, 140), arms_abd=(0, 10), arms_elbow=(15, 45)), _PAUSE]),
            _BACK, _PAUSE,
        ],
    ),
}  # fmt: skip

GESTURES = {
    name: {'captions': captions, 'moves': moves, 'style': {'tempo': (0.7, 1.4)}}
    for name, (captions, moves) in _TABLE.items()
}

"""A tiny CMU database: one made-up body in the forms of Acclaim and of MotionBuilder, and files of both."""

import numpy as np

FREE = ('rx', 'ry', 'rz')
# a bone, its parent, its vector in CMU's units (0.056444 m); the right side mirrors the left
LEFT = [
    ('lhipjoint', 'root', (1.5, -1.5, 0)), ('lfemur', 'lhipjoint', (0, -7.5, 0)), ('ltibia', 'lfemur', (0, -7.5, 0)),
    ('lfoot', 'ltibia', (0, -1, 2)), ('lclavicle', 'thorax', (3, 1, 0)), ('lhumerus', 'lclavicle', (5, 0, 0)),
    ('lradius', 'lhumerus', (4, 0, 0)),
]  # fmt: skip
SPINE = [
    ('lowerback', 'root', (0, 2, 0)), ('upperback', 'lowerback', (0, 2, 0)), ('thorax', 'upperback', (0, 2, 0)),
    ('lowerneck', 'thorax', (0, 1.5, 0)), ('upperneck', 'lowerneck', (0, 1.5, 0)),
    ('head', 'upperneck', (0, 1.5, 0.5)),
]  # fmt: skip
# The same body for MotionBuilder: joints at bones' starts, the thorax bone missing, tips as end sites.
BVH_LEFT = [
    ('LeftUpLeg', 'Hips', (1.5, -1.5, 0)), ('LeftLeg', 'LeftUpLeg', (0, -7.5, 0)),
    ('LeftFoot', 'LeftLeg', (0, -7.5, 0)), ('', 'LeftFoot', (0, -1, 2)), ('LeftShoulder', 'Spine1', (0, 0, 0)),
    ('LeftArm', 'LeftShoulder', (3, 1, 0)), ('LeftForeArm', 'LeftArm', (5, 0, 0)),
    ('LeftHand', 'LeftForeArm', (4, 0, 0)),
]  # fmt: skip
BVH_SPINE = [
    ('LowerBack', 'Hips', (0, 0, 0)), ('Spine', 'LowerBack', (0, 2, 0)), ('Spine1', 'Spine', (0, 2, 0)),
    ('Neck', 'Spine1', (0, 0, 0)), ('Neck1', 'Neck', (0, 1.5, 0)), ('Head', 'Neck1', (0, 1.5, 0)),
    ('', 'Head', (0, 1.5, 0.5)),
]  # fmt: skip
# ASF bone -> BVH joint that turns it
TURNED_BY = {
    'root': 'Hips', 'lfemur': 'LeftUpLeg', 'ltibia': 'LeftLeg', 'rfemur': 'RightUpLeg', 'rtibia': 'RightLeg',
    'lowerback': 'LowerBack', 'upperback': 'Spine', 'thorax': 'Spine1', 'lowerneck': 'Neck', 'head': 'Head',
    'lclavicle': 'LeftShoulder', 'lhumerus': 'LeftArm', 'lradius': 'LeftForeArm', 'rhumerus': 'RightArm',
}  # fmt: skip


def other_side(left, old, new):
    """The joints of the right."""
    names = [[name.replace(old, new, 1) if name.startswith(old) else name for name in row[:2]] for row in left]
    return [(*pair, (-x, y, z)) for pair, (*_, (x, y, z)) in zip(names, left, strict=True)]


BONES = [
    (name, parent, vector, (0, 0, 0), FREE if name in TURNED_BY else ())
    for name, parent, vector in SPINE + LEFT + other_side([*LEFT], 'l', 'r')
]
BVH_TREE = BVH_SPINE + BVH_LEFT + other_side(BVH_LEFT, 'Left', 'Right')


def words(values) -> str:
    return ' '.join(f'{v:.12f}' for v in np.asarray(values, float))


def asf_text(bones=BONES, order='XYZ', angle='deg', length=0.45, orientation=(0, 0, 0)) -> str:
    """An ASF; bones are (name, parent, vector, axis, dof), ``order`` that of their axes."""
    records = ''
    for number, (name, _, vector, axis, dof) in enumerate(bones, 1):
        size = np.linalg.norm(vector)
        records += (
            f'  begin\n     id {number}\n     name {name}\n     direction {words(np.divide(vector, size))}\n'
            f'     length {size:.12f}\n     axis {words(axis)} {order}\n'
            + (f'     dof {" ".join(dof)}\n     limits (-160.0 20.0)\n            (-70.0 70.0)\n' if dof else '')
            + '  end\n'
        )
    tree = ''.join(f'    {parent} {name}\n' for name, parent, *_ in bones)
    return (
        f'# made by hand\n:version 1.10\n:name NN\n:units\n  mass 1.0\n  length {length}\n  angle {angle}\n'
        ':documentation\n   :none of this\n   counts\n:root\n  order TX TY TZ RX RY RZ\n  axis XYZ\n'
        f'  position 0 0 0\n  orientation {words(orientation)}\n:bonedata\n{records}:hierarchy\n  begin\n{tree}  end\n'
    )


def amc_text(values, header=':FULLY-SPECIFIED\n:DEGREES\n') -> str:
    """An AMC of (T, dof) values by bone."""
    rows = ['#!OML:ASF somewhere\n', header]
    for t in range(len(values['root'])):
        rows.append(f'{t + 1}\n')
        rows += [f'{bone} {words(own[t])}\n' for bone, own in values.items()]
    return ''.join(rows)


def bvh_text(angles) -> str:
    """The same motion for MotionBuilder, after two frames of T-pose; channels Z Y X are R = Rz Ry Rx as in the ASF."""
    turned = {joint: bone for bone, joint in TURNED_BY.items()}
    columns, lines = [], ['HIERARCHY', 'ROOT Hips', '{', 'OFFSET 0 0 0']

    def rotation(joint):
        own = angles[turned[joint]][:, -3:] if joint in turned else np.zeros((len(angles['root']), 3))
        return own[:, ::-1]

    def add(parent):
        for name, above, offset in BVH_TREE:
            if above != parent:
                continue
            lines.extend([f'JOINT {name}' if name else 'End Site', '{', f'OFFSET {words(offset)}'])
            if name:
                lines.append('CHANNELS 3 Zrotation Yrotation Xrotation')
                columns.append(rotation(name))
                add(name)
            lines.append('}')

    lines.append('CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation')
    columns += [angles['root'][:, :3], rotation('Hips')]
    add('Hips')
    values = np.concatenate(columns, 1)
    values = np.concatenate([np.zeros((2, values.shape[1])), values])
    lines += ['}', 'MOTION', f'Frames: {len(values)}', 'Frame Time: .0083333', *map(words, values)]
    return '\n'.join(lines) + '\n'


def make_angles(frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Bone -> (T, 3) smooth angles about x, y, z in degrees; ``root`` also has its path, (T, 6)."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 120
    angles = {bone: rng.uniform(-25, 25, 3) * np.sin(2 * time + rng.uniform(0, 6, 3)) for bone in TURNED_BY}
    path = np.concatenate([0 * time, 17.5 + 0 * time, 15 * time], 1)
    return angles | {'root': np.concatenate([path, angles['root']], 1)}


def write_database(source) -> None:
    """Good recordings of four subjects, and one of each kind that is dropped."""
    angles = make_angles(300)
    good, bvh = amc_text(angles), bvh_text(angles)
    jump = make_angles(500)
    jump['root'][250:, 0] += 10
    files = {
        'subjects/01/01.asf': asf_text(),
        'subjects/01/01_01.amc': good,
        'subjects/01/01_02.amc': amc_text(jump),  # a glitch: two clips
        'subjects/01/01_03.amc': good,  # the same again
        'subjects/01/01_04.amc': good[:-300],  # cut off
        'subjects/01/01_05.amc': amc_text(make_angles(60, 1)),  # too short
        'subjects/1/notes.txt': 'no motion',
        'subjects/09/09_01.amc': good,  # no skeleton
        'bvh/01_01.bvh': bvh,  # a second file of a clip
        'bvh/02_01.bvh': bvh,
        'bvh/16_01.bvh': bvh_text(make_angles(300, 2)),
        'bvh/09_02.bvh': bvh_text(make_angles(300, 3)),
        'bvh/walk.bvh': bvh,
    }
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)

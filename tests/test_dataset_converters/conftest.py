"""A small copy of the database, written with the shared converter's own input formats."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# name, parent, direction times length in CMU's units (0.056444 m)
BONES = [
    ('lhipjoint', 'root', (1.5, -1.5, 0)),
    ('lfemur', 'lhipjoint', (0, -7.5, 0)),
    ('ltibia', 'lfemur', (0, -7.5, 0)),
    ('lfoot', 'ltibia', (0, -1, 2)),
    ('rhipjoint', 'root', (-1.5, -1.5, 0)),
    ('rfemur', 'rhipjoint', (0, -7.5, 0)),
    ('rtibia', 'rfemur', (0, -7.5, 0)),
    ('rfoot', 'rtibia', (0, -1, 2)),
    ('lowerback', 'root', (0, 2, 0)),
    ('upperback', 'lowerback', (0, 2, 0)),
    ('thorax', 'upperback', (0, 2, 0)),
    ('lowerneck', 'thorax', (0, 1.5, 0)),
    ('upperneck', 'lowerneck', (0, 1.5, 0)),
    ('head', 'upperneck', (0, 1.5, 0.5)),
    ('lclavicle', 'thorax', (3, 1, 0)),
    ('lhumerus', 'lclavicle', (5, 0, 0)),
    ('lradius', 'lhumerus', (4, 0, 0)),
    ('rclavicle', 'thorax', (-3, 1, 0)),
    ('rhumerus', 'rclavicle', (-5, 0, 0)),
    ('rradius', 'rhumerus', (-4, 0, 0)),
]
# The same body for MotionBuilder: joints at bones' starts, the thorax bone missing, tips as end sites.
BVH_TREE = [
    ('LeftUpLeg', 'Hips', (1.5, -1.5, 0)),
    ('LeftLeg', 'LeftUpLeg', (0, -7.5, 0)),
    ('LeftFoot', 'LeftLeg', (0, -7.5, 0)),
    ('', 'LeftFoot', (0, -1, 2)),
    ('RightUpLeg', 'Hips', (-1.5, -1.5, 0)),
    ('RightLeg', 'RightUpLeg', (0, -7.5, 0)),
    ('RightFoot', 'RightLeg', (0, -7.5, 0)),
    ('', 'RightFoot', (0, -1, 2)),
    ('LowerBack', 'Hips', (0, 0, 0)),
    ('Spine', 'LowerBack', (0, 2, 0)),
    ('Spine1', 'Spine', (0, 2, 0)),
    ('Neck', 'Spine1', (0, 0, 0)),
    ('Neck1', 'Neck', (0, 1.5, 0)),
    ('Head', 'Neck1', (0, 1.5, 0)),
    ('', 'Head', (0, 1.5, 0.5)),
    ('LeftShoulder', 'Spine1', (0, 0, 0)),
    ('LeftArm', 'LeftShoulder', (3, 1, 0)),
    ('LeftForeArm', 'LeftArm', (5, 0, 0)),
    ('LeftHand', 'LeftForeArm', (4, 0, 0)),
    ('RightShoulder', 'Spine1', (0, 0, 0)),
    ('RightArm', 'RightShoulder', (-3, 1, 0)),
    ('RightForeArm', 'RightArm', (-5, 0, 0)),
    ('RightHand', 'RightForeArm', (-4, 0, 0)),
]
# ASF bone -> BVH joint that turns it
TURNED_BY = {
    'root': 'Hips', 'lfemur': 'LeftUpLeg', 'ltibia': 'LeftLeg', 'rfemur': 'RightUpLeg', 'rtibia': 'RightLeg',
    'lowerback': 'LowerBack', 'upperback': 'Spine', 'thorax': 'Spine1', 'lowerneck': 'Neck', 'head': 'Head',
    'lclavicle': 'LeftShoulder', 'lhumerus': 'LeftArm', 'lradius': 'LeftForeArm', 'rhumerus': 'RightArm',
}  # fmt: skip


def make_angles(frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Bone -> (T, 3) smooth angles about x, y, z in degrees; ``root`` also has its path, (T, 6)."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 120
    angles = {bone: rng.uniform(-25, 25, 3) * np.sin(2 * time + rng.uniform(0, 6, 3)) for bone in TURNED_BY}
    path = np.concatenate([0 * time, 17.5 + 0 * time, 15 * time], 1)
    return angles | {'root': np.concatenate([path, angles['root']], 1)}


def asf_text() -> str:
    records = ''
    for number, (name, _, vector) in enumerate(BONES, 1):
        size = np.linalg.norm(vector)
        way = ' '.join(f'{v / size:.12f}' for v in vector)
        dof = '     dof rx ry rz\n' if name in TURNED_BY else ''
        records += (
            f'  begin\n     id {number}\n     name {name}\n     direction {way}\n     length {size:.12f}\n'
            f'     axis 0 0 0 XYZ\n{dof}  end\n'
        )
    tree = ''.join(f'    {parent} {name}\n' for name, parent, _ in BONES)
    return (
        ':version 1.10\n:name NN\n:units\n  mass 1.0\n  length 0.45\n  angle deg\n:documentation\n  made by hand\n'
        ':root\n  order TX TY TZ RX RY RZ\n  axis XYZ\n  position 0 0 0\n  orientation 0 0 0\n'
        f':bonedata\n{records}:hierarchy\n  begin\n{tree}  end\n'
    )


def amc_text(angles: dict[str, np.ndarray]) -> str:
    rows = [':FULLY-SPECIFIED\n:DEGREES\n']
    for t in range(len(angles['root'])):
        rows.append(f'{t + 1}\n')
        rows += [f'{bone} {" ".join(f"{v:.8f}" for v in values[t])}\n' for bone, values in angles.items()]
    return ''.join(rows)


def bvh_text(angles: dict[str, np.ndarray]) -> str:
    """The same motion for MotionBuilder, after two frames of T-pose; channels Z Y X are R = Rz Ry Rx as in the ASF."""
    turned = {joint: bone for bone, joint in TURNED_BY.items()}
    columns, lines = [], ['HIERARCHY', 'ROOT Hips', '{', 'OFFSET 0 0 0']

    def rotation(joint: str) -> np.ndarray:
        own = angles[turned[joint]][:, -3:] if joint in turned else np.zeros((len(angles['root']), 3))
        return own[:, ::-1]

    def add(parent: str) -> None:
        for name, above, offset in BVH_TREE:
            if above != parent:
                continue
            lines.extend([f'JOINT {name}' if name else 'End Site', '{', 'OFFSET {} {} {}'.format(*offset)])
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
    lines += ['}', 'MOTION', f'Frames: {len(values)}', 'Frame Time: .0083333']
    return '\n'.join(lines + [' '.join(f'{v:.8f}' for v in row) for row in values]) + '\n'


@pytest.fixture(scope='module')
def database(tmp_path_factory) -> Path:
    """Good recordings of four subjects, and one of each kind that is dropped."""
    source = tmp_path_factory.mktemp('database')
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
    return source


@pytest.fixture(scope='module')
def converter(repository):
    """Gives the command line of the converter and its environment."""
    environment = dict(os.environ, PYTHONPATH=str(repository), OMP_NUM_THREADS='1')

    def start(*arguments, **kwargs) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(repository / 'tools/dataset_converters/cmu_mocap.py'), *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    return start


@pytest.fixture
def make():
    """Makers of the database's texts."""
    return {'angles': make_angles, 'asf': asf_text, 'amc': amc_text, 'bvh': bvh_text}

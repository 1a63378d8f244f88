"""ASF/AMC and BVH against closed forms and a plain product of 4x4 matrices."""

import json
import re

import numpy as np
import pytest
from cmu.acclaim import read_amc, read_asf
from numpy.testing import assert_allclose
from toy_datasets.cmu import FREE, amc_text, asf_text

from poselifter.errors import InputError
from poselifter.io.readers.bvh import read_bvh


@pytest.fixture
def skeleton(tmp_path):
    """Writes an ASF of bones (name, parent, vector, axis, dof) and reads it."""

    def write(*bones, **how):
        (tmp_path / 'body.asf').write_text(asf_text(bones, **how))
        return read_asf(tmp_path / 'body.asf')

    return write


@pytest.fixture
def motion(tmp_path):
    """Writes an AMC of (T, dof) values by bone and reads it."""

    def write(body, values, *header):
        (tmp_path / 'walk.amc').write_text(amc_text(values, *header))
        return read_amc(tmp_path / 'walk.amc', body)

    return write


def turn(axis: str, degrees: float) -> np.ndarray:
    """4x4 rotation about one axis, written out."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = {
        'x': [[1, 0, 0], [0, c, -s], [0, s, c]],
        'y': [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        'z': [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }[axis]
    return matrix


def shift(vector) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = vector
    return matrix


def test_units_of_length_and_angle(skeleton, motion):
    body = skeleton(('bone', 'root', (2, 0, 0), (0, 0, np.pi / 2), FREE), angle='rad')
    assert body.unit_m == pytest.approx(0.056444, abs=1e-6)  # the database's README
    for angle, unit in ((90, ':DEGREES\n'), (np.pi / 2, ':RADIANS\n'), (np.pi / 2, '')):  # '': as the skeleton has it
        values = {'root': [[5, 0, 0, 0, 0, 0]], 'bone': [[angle, 0, 0]]}
        found = motion(body, values, f':FULLY-SPECIFIED\n{unit}')
        assert_allclose(found.position('bone')[0], [5, 0, -2], atol=1e-9)


@pytest.mark.parametrize('order', ['XYZ', 'ZXY', 'YZX'])
def test_tree_against_4x4_matrices(skeleton, motion, rng, order):
    dofs = [FREE, ('rx',), ('rx', 'rz'), (), ('ry', 'rz'), FREE]
    parents = ['root', 'b0', 'b1', 'root', 'b3', 'b1']
    bones = [
        (f'b{i}', parents[i], rng.normal(size=3) * rng.uniform(1, 5), rng.uniform(-180, 180, 3), dofs[i])
        for i in range(6)
    ]
    orientation = rng.uniform(-180, 180, 3)
    values = {'root': rng.uniform(-90, 90, (4, 6))}
    values |= {f'b{i}': rng.uniform(-90, 90, (4, len(dofs[i]))) for i in (0, 2, 1, 4, 5)}  # b3 has nothing to say
    found = motion(skeleton(*bones, orientation=orientation, order=order), values)

    def product(axes, angles):  # fixed axes, the first named acts first
        matrix = np.eye(4)
        for axis, angle in zip(axes.lower(), angles, strict=True):
            matrix = turn(axis, angle) @ matrix
        return matrix

    for t, root in enumerate(values['root']):
        base = product('XYZ', orientation)
        world = {'root': shift(root[:3]) @ base @ product('XYZ', root[3:]) @ np.linalg.inv(base)}
        for name, parent, vector, axis, dof in bones:
            angles = dict(zip(dof, values[name][t] if name in values else (), strict=True))
            local = product(order, [angles.get(f'r{a}', 0) for a in order.lower()])
            c = product(order, axis)
            world[name] = world[parent] @ c @ local @ np.linalg.inv(c) @ shift(vector)
        for name, matrix in world.items():
            assert_allclose(found.position(name)[t], matrix[:3, 3], atol=1e-6)
            assert_allclose(found.rotations[t, found.index(name)], matrix[:3, :3], atol=1e-6)


BVH = """HIERARCHY
Root Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Zrotation Xposition Xrotation Yposition Yrotation Zposition
  JOINT Left Leg: upper { OFFSET 1.5 -4e0 0.5
    CHANNELS 3 Yrotation Xrotation Zrotation
    JOINT Shin
    {
      OFFSET 0 -3 0
      CHANNELS 5 Xposition Zposition Zrotation Yrotation Xrotation
      End Site
      {
        OFFSET 0 -1 2
      }
    }
  }
}
ROOT Prop
{
  OFFSET 7 8 9
  CHANNELS 1 Yrotation
}
MOTION
Frames: 3
Frame Time: 0.02
"""


def test_bvh_against_4x4_matrices(tmp_path, rng):
    rows = rng.uniform(-90, 90, (3, 15)).round(4)
    path = tmp_path / 'a.bvh'
    path.write_text(BVH + '\n'.join(' '.join(map(str, row)) for row in rows))
    motion = read_bvh(path)
    assert motion.names == ('Hips', 'Left Leg: upper', 'Shin', 'Shin_end', 'Prop')
    assert motion.parents == (-1, 0, 1, 2, -1)
    assert motion.fps == pytest.approx(50)
    for t, r in enumerate(rows):
        hips = shift([r[1], r[3], r[5]]) @ turn('z', r[0]) @ turn('x', r[2]) @ turn('y', r[4])
        thigh = hips @ shift([1.5, -4, 0.5]) @ turn('y', r[6]) @ turn('x', r[7]) @ turn('z', r[8])
        shin = thigh @ shift([r[9], -3, r[10]]) @ turn('z', r[11]) @ turn('y', r[12]) @ turn('x', r[13])
        end = shin @ shift([0, -1, 2])
        prop = shift([7, 8, 9]) @ turn('y', r[14])
        for joint, matrix in enumerate((hips, thigh, shin, end, prop)):
            assert_allclose(motion.positions[t, joint], matrix[:3, 3], atol=1e-9)
            assert_allclose(motion.rotations[t, joint], matrix[:3, :3], atol=1e-9)


def test_bvh_fixture(shared):
    folder = shared / 'fixtures/formats/bvh'
    expected = json.loads((folder / 'expected.json').read_text())['leg.bvh']
    motion = read_bvh(folder / 'leg.bvh')
    assert list(motion.names) == expected['skeleton'].split()
    assert motion.fps == pytest.approx(expected['fps'])
    assert_allclose(motion.positions, list(expected['persons']['0'].values()), atol=1e-4)
    for name, sentence in {
        'bad_frames.bvh': '4 rows of values, expected 6',
        'bad_row.bvh': 'row 1: 11 values, expected 12',
        'bad_no_time.bvh': 'no "Frame Time:"',
    }.items():
        with pytest.raises(InputError, match=rf'{name}\b.*{sentence}'):
            read_bvh(folder / name)


TEXTS = {
    'asf': asf_text([('bone', 'root', (2, 0, 0), (0, 0, 0), FREE)]),
    'amc': amc_text({'root': np.zeros((3, 6)), 'bone': np.zeros((3, 3))}),
    'bvh': BVH + '\n'.join(['0 ' * 14 + '1'] * 3),
}
REFUSED = [  # kind of file, what is replaced once, by what, the error
    ('asf', ':bonedata', ':bones', 'no :bonedata'),
    ('asf', r'length 2\.0+', 'length two', "bone bone length: 'two'"),
    ('asf', 'direction 1', 'way 1', 'bone bone: direction has 0 numbers, expected 3'),
    ('asf', 'name bone', 'called bone', 'a bone has no name'),
    ('asf', 'dof rx', 'dof l rx', 'dof l rx ry rz, expected only'),
    ('asf', '    root bone', '    root leg', "'leg' under 'root'"),
    ('asf', '    root bone', '    hip bone', "'bone' under 'hip'"),
    ('asf', 'XYZ\n     dof', 'XXZ\n     dof', "axis order 'XXZ'"),
    ('asf', 'position 0 0 0', 'position 0 0', '2 numbers, expected 3'),
    ('asf', r'length 0\.45', 'length 0', 'length is 0'),
    ('asf', 'order TX', 'order L TX', 'expected only tx'),
    ('amc', r'.{20}\Z', '', r'frame 3: its lines differ .* cut off'),
    ('amc', r'bone[^b]*\Z', '', 'frame 3'),
    ('amc', 'bone', 'leg', "bone 'leg' is doubled or not in"),
    ('amc', '\n2\n', '\n', 'doubled|differ'),
    ('amc', r'0\.0+\n3', 'x\n3', "'x'"),
    ('amc', r'0\.0+\n3', 'nan\n3', "'nan'"),
    ('amc', r'\n1\n.*', '', 'no frame number'),
    ('amc', '.*', '', 'is empty'),
    ('bvh', 'HIERARCHY', 'TREE', 'no HIERARCHY'),
    ('bvh', 'MOTION', 'MOVES', 'no MOTION'),
    ('bvh', 'OFFSET 0 -3 0', 'OFFSET 0 -3', "'OFFSET 0 -3"),
    ('bvh', 'OFFSET 0 -3 0', 'OFFSET 0 -3 1.2.3', "'1.2.3'"),
    ('bvh', 'CHANNELS 1 Yrotation', 'CHANNELS 2 Yrotation', '1 known names, expected 2'),
    ('bvh', 'CHANNELS 1 Yrotation', 'CHANNELS 1 Wrotation', 'CHANNELS of Prop: 0 known names, expected 1'),
    ('bvh', 'ROOT Prop', '} ROOT Prop', 'outside a joint'),
    ('bvh', 'Root Hips', 'End Site', 'outside a joint'),
    ('bvh', 'CHANNELS 1 Yrotation\n}', 'CHANNELS 1 Yrotation\n', "joint 'Prop' is not closed"),
    ('bvh', r'Frame Time: 0\.02', 'Frame Time: 0', 'no "Frame Time:" above 0'),
    ('bvh', r'Frame Time: 0\.02', 'Frame Time: fast', "'fast'"),
    ('bvh', 'Frames: 3', 'Frames: 2', '3 rows of values, expected 2'),
    ('bvh', 'Frames: 3', 'Frames: 3.5', '3 rows of values, expected 3.5'),
    ('bvh', r'1\Z', 'abc', "'abc'"),
]


@pytest.mark.parametrize(('kind', 'old', 'new', 'sentence'), REFUSED)
def test_malformed_files_are_refused(skeleton, tmp_path, kind, old, new, sentence):
    body = skeleton(('bone', 'root', (2, 0, 0), (0, 0, 0), FREE))
    read = {'asf': read_asf, 'amc': lambda path: read_amc(path, body), 'bvh': read_bvh}[kind]
    text, count = re.subn(old, new, TEXTS[kind], count=1, flags=re.DOTALL)
    assert count == 1
    path = tmp_path / f'changed.{kind}'
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as caught:
        read(path)
    assert str(path) in str(caught.value)

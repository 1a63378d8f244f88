"""ASF/AMC and BVH against closed forms and a plain product of 4x4 matrices."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poselifter.errors import InputError
from poselifter.io.mocap import read_amc, read_asf, read_bvh

ASF = """# made by hand
:version 1.10
:name test
:units
  mass 1.0
  length {length}
  angle {angle}
:documentation
   :none of this
   counts
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation {orientation}
:bonedata
{bones}
:hierarchy
  begin
{tree}
  end
"""
BONE = """  begin
     id {id}
     name {name}
     direction {direction}
     length {length}
     axis {axis} {order}
     dof {dof}
     limits (-160.0 20.0)
            (-70.0 70.0)
  end
"""


def words(values) -> str:
    return ' '.join(f'{v:.9f}' for v in np.asarray(values, float))


@pytest.fixture
def write_asf(tmp_path):
    """Writes an ASF; bones are (name, parent, direction, length, axis, dof)."""

    def write(bones, angle='deg', length=0.45, orientation='0 0 0', order='XYZ'):
        records = [
            BONE.format(id=i, name=n, direction=words(d), length=size, axis=words(a), order=order, dof=' '.join(dof))
            for i, (n, _, d, size, a, dof) in enumerate(bones, 1)
        ]
        records = [r.replace('     dof \n', '') for r in records]
        tree = '\n'.join(f'    {parent} {name}' for name, parent, *_ in bones)
        text = ASF.format(bones=''.join(records), tree=tree, angle=angle, length=length, orientation=orientation)
        path = tmp_path / 'body.asf'
        path.write_text(text)
        return path

    return write


@pytest.fixture
def write_amc(tmp_path):
    """Writes an AMC; frames are dicts of bone -> values."""

    def write(frames, header=':FULLY-SPECIFIED\n:DEGREES\n'):
        rows = [
            f'{k}\n' + ''.join(f'{bone} {words(v)}\n' for bone, v in frame.items()) for k, frame in enumerate(frames, 1)
        ]
        path = tmp_path / 'walk.amc'
        path.write_text('#!OML:ASF somewhere\n' + header + ''.join(rows))
        return path

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


ONE_BONE = [('bone', 'root', (1, 0, 0), 2.0, (0, 0, 0), ('rx', 'ry', 'rz'))]


@pytest.mark.parametrize(
    ('axis', 'angles', 'end'),
    [
        ((0, 0, 0), (0, 0, 0), (2, 0, 0)),
        ((0, 0, 0), (0, 0, 90), (0, 2, 0)),
        ((0, 0, 0), (0, 90, 0), (0, 0, -2)),
        ((0, 0, 0), (90, 0, 90), (0, 2, 0)),  # x first, about the bone itself: nothing; then z
        ((0, 0, 0), (90, 90, 0), (0, 0, -2)),
        ((0, 0, 90), (90, 0, 0), (0, 0, -2)),  # the bone's x axis is the world's y axis
        ((0, 0, 90), (0, 0, 90), (0, 2, 0)),
        ((90, 0, 0), (0, 90, 0), (0, 2, 0)),  # its y axis is the world's z axis
    ],
)
def test_one_bone_in_closed_form(write_asf, write_amc, axis, angles, end):
    bones = [(*ONE_BONE[0][:4], axis, ONE_BONE[0][5])]
    motion = read_amc(
        write_amc([{'root': [1, 2, 3, 0, 0, 0], 'bone': angles}]),
        read_asf(write_asf(bones)),
    )
    assert_allclose(motion.position('root')[0], [1, 2, 3], atol=1e-9)
    assert_allclose(motion.position('bone')[0], np.add([1, 2, 3], end), atol=1e-9)


def test_units_of_length_and_angle(write_asf, write_amc):
    skeleton = read_asf(write_asf([(*ONE_BONE[0][:4], (0, 0, np.pi / 2), ONE_BONE[0][5])], angle='rad'))
    assert skeleton.unit_m == pytest.approx(0.056444, abs=1e-6)  # the database's README
    degrees = read_amc(write_amc([{'root': [0] * 6, 'bone': [90, 0, 0]}]), skeleton)
    assert_allclose(degrees.position('bone')[0], [0, 0, -2], atol=1e-9)
    header = ':FULLY-SPECIFIED\n:RADIANS\n'
    radians = read_amc(write_amc([{'root': [0] * 6, 'bone': [np.pi / 2, 0, 0]}], header), skeleton)
    assert_allclose(radians.position('bone')[0], [0, 0, -2], atol=1e-8)
    unnamed = read_amc(write_amc([{'root': [0] * 6, 'bone': [np.pi / 2, 0, 0]}], ':FULLY-SPECIFIED\n'), skeleton)
    assert_allclose(unnamed.position('bone')[0], [0, 0, -2], atol=1e-8)


@pytest.mark.parametrize('order', ['XYZ', 'ZXY', 'YZX'])
def test_tree_against_4x4_matrices(write_asf, write_amc, rng, order):
    dofs = [('rx', 'ry', 'rz'), ('rx',), ('rx', 'rz'), (), ('ry', 'rz'), ('rx', 'ry', 'rz')]
    parents = ['root', 'b0', 'b1', 'root', 'b3', 'b1']
    bones = [
        (f'b{i}', parents[i], rng.normal(size=3), rng.uniform(1, 5), rng.uniform(-180, 180, 3), dofs[i])
        for i in range(6)
    ]
    orientation = rng.uniform(-180, 180, 3)
    frames = [
        {'root': rng.uniform(-90, 90, 6)}
        | {f'b{i}': rng.uniform(-90, 90, len(dofs[i])) for i in (0, 2, 1, 4, 5)}  # b3 has nothing to say
        for _ in range(4)
    ]
    skeleton = read_asf(write_asf(bones, orientation=words(orientation), order=order))
    motion = read_amc(write_amc(frames), skeleton)

    def product(axes, angles):  # fixed axes, the first named acts first
        matrix = np.eye(4)
        for axis, angle in zip(axes.lower(), angles, strict=True):
            matrix = turn(axis, angle) @ matrix
        return matrix

    for t, frame in enumerate(frames):
        base = product('XYZ', orientation)
        world = {'root': shift(frame['root'][:3]) @ base @ product('XYZ', frame['root'][3:]) @ np.linalg.inv(base)}
        for name, parent, direction, length, axis, dof in bones:
            angles = dict(zip(dof, frame.get(name, ()), strict=True))
            local = product(order, [angles.get(f'r{a}', 0) for a in order.lower()])
            c = product(order, axis)
            world[name] = world[parent] @ c @ local @ np.linalg.inv(c) @ shift(direction * length)
        for name, matrix in world.items():
            assert_allclose(motion.position(name)[t], matrix[:3, 3], atol=1e-6)
            assert_allclose(motion.rotations[t, motion.index(name)], matrix[:3, :3], atol=1e-6)


@pytest.mark.parametrize(
    ('old', 'new', 'sentence'),
    [
        (':bonedata', ':bones', 'no :bonedata'),
        ('length 2.0', 'length two', "bone bone length: 'two'"),
        ('direction 1', 'way 1', 'bone bone: has no direction'),
        ('name bone', 'called bone', 'a bone has no name'),
        ('dof rx', 'dof l rx', 'dof l rx ry rz, expected only'),
        ('    root bone', '    root leg', "'leg' under 'root'"),
        ('    root bone', '    hip bone', "'bone' under 'hip'"),
        ('XYZ\n     dof', 'XXZ\n     dof', "axis order 'XXZ'"),
        ('position 0 0 0', 'position 0 0', '2 numbers, expected 3'),
        ('length 0.45', 'length 0', 'length is 0'),
        ('order TX', 'order L TX', 'expected only TX'),
    ],
)
def test_malformed_asf(write_asf, old, new, sentence):
    path = write_asf(ONE_BONE)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=sentence) as caught:
        read_asf(path)
    assert str(path) in str(caught.value)


FRAMES = [{'root': [0] * 6, 'bone': [0] * 3}] * 3


@pytest.mark.parametrize(
    ('edit', 'sentence'),
    [
        (lambda text: text[:-20], r'frame 3: its lines differ .* cut off'),
        (lambda text: text[: text.rindex('bone')], 'frame 3'),
        (lambda text: text.replace('bone', 'leg'), "bone 'leg' is doubled or not in"),
        (lambda text: text.replace('\n2\n', '\n'), 'doubled|differ'),
        (lambda text: text.replace('0.000000000\n3', 'x\n3'), "'x'"),
        (lambda text: text.replace('0.000000000\n3', 'nan\n3'), "'nan'"),
        (lambda text: text[:40], 'no frame number'),
        (lambda text: '', 'is empty'),
    ],
)
def test_malformed_amc(write_asf, write_amc, edit, sentence):
    skeleton, path = read_asf(write_asf(ONE_BONE)), write_amc(FRAMES)
    path.write_text(edit(path.read_text()))
    with pytest.raises(InputError, match=sentence) as caught:
        read_amc(path, skeleton)
    assert str(path) in str(caught.value)


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


@pytest.mark.parametrize(
    ('name', 'sentence'),
    [
        ('bad_frames.bvh', '4 rows of values, expected 6'),
        ('bad_row.bvh', 'row 1: 11 values, expected 12'),
        ('bad_no_time.bvh', 'no "Frame Time:"'),
    ],
)
def test_malformed_bvh_fixture(shared, name, sentence):
    path = shared / 'fixtures/formats/bvh' / name
    with pytest.raises(InputError, match=sentence) as caught:
        read_bvh(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('old', 'new', 'sentence'),
    [
        ('HIERARCHY', 'TREE', 'no HIERARCHY'),
        ('MOTION', 'MOVES', 'no MOTION'),
        ('OFFSET 0 -3 0', 'OFFSET 0 -3', "'OFFSET 0 -3"),
        ('OFFSET 0 -3 0', 'OFFSET 0 -3 1.2.3', "'1.2.3'"),
        ('CHANNELS 1 Yrotation', 'CHANNELS 2 Yrotation', '1 known names, expected 2'),
        ('CHANNELS 1 Yrotation', 'CHANNELS 1 Wrotation', 'CHANNELS of Prop: 0 known names, expected 1'),
        ('ROOT Prop', '} ROOT Prop', 'outside a joint'),
        ('CHANNELS 1 Yrotation\n}', 'CHANNELS 1 Yrotation\n', "joint 'Prop' is not closed"),
        ('Frame Time: 0.02', 'Frame Time: 0', 'no "Frame Time:" above 0'),
        ('Frame Time: 0.02', 'Frame Time: fast', "'fast'"),
        ('Frames: 3', 'Frames: 2', '3 rows of values, expected 2'),
        ('Frames: 3', 'Frames: 3.5', '3 rows of values, expected 3.5'),
        ('END', 'abc', "'abc'"),
    ],
)
def test_malformed_bvh(tmp_path, old, new, sentence):
    text = BVH + '\n'.join(['0 ' * 14 + 'END'] * 3)
    assert old in text
    text = text.replace(old, new, 1).replace('END', '0')
    path = tmp_path / 'a.bvh'
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as caught:
        read_bvh(path)
    assert str(path) in str(caught.value)

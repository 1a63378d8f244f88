"""BVH: bones and their angles, for Blender, Unity, MotionBuilder and robots."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...geometry.euler import matrix_to_euler
from ...geometry.inverse_kinematics import Armature, BoneMotion
from ...light_registry import register_writer
from ...structures import Result
from ...utils import atomic_write
from .bodies import bones_of
from .motion import motion_of, write_each_person

_CENTIMETRES = 100
_SPINE = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # columns: x up, y to the front, z to the left
_LEG = np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]])  # x down, y to the front, z to the right
_FOOT = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])  # x to the front, y up, z to the right
_LEFT_ARM = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # x to the left, y to the front, z down
_RIGHT_ARM = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # x to the right, y to the front, z up


@register_writer('bvh', '.bvh', needs=('poses', 'body'))
def write_bvh(path: Path, result: Result) -> list[Path]:
    """Motion of bones from a standing T pose, a file for each person: y up, centimetres, angles in the order Z X Y.

    The axes of all bones are the world's at rest, so that angles of 0 are the T pose. A body is written with
    bones of its own, from the pose it has at rest.
    """
    if result.body is not None:
        motion = bones_of(result)
        _save(path, motion, 'ZXY', np.tile(np.eye(3), (len(motion.armature.names), 1, 1)), result.fps)
        return [path]
    return write_each_person(path, result, _write_plain)


@register_writer('gmr', '_gmr.bvh', needs=('poses',))
def write_lafan1(path: Path, result: Result) -> list[Path]:
    """The same in the layout of LAFAN1, which robot retargeting (GMR) reads: order Z Y X, x of a bone along it."""
    return write_each_person(path, result, _write_lafan1)


def _write_plain(path: Path, person: Result, frames: np.ndarray) -> None:
    motion = motion_of(person, frames)
    _save(path, motion, 'ZXY', np.tile(np.eye(3), (len(motion.armature.names), 1, 1)), person.fps)


def _write_lafan1(path: Path, person: Result, frames: np.ndarray) -> None:
    motion = motion_of(person, frames)
    names = tuple(name.replace('ToeBase', 'Toe') for name in motion.armature.names)
    motion = replace(motion, armature=replace(motion.armature, names=names))
    _save(path, motion, 'ZYX', np.stack([_lafan1_axes(name) for name in names]), person.fps)


def _lafan1_axes(name: str) -> np.ndarray:
    if not name.startswith(('Left', 'Right')):
        return _SPINE
    if name.endswith('Leg'):
        return _LEG
    if name.endswith(('Foot', 'Toe')):
        return _FOOT
    return _LEFT_ARM if name.startswith('Left') else _RIGHT_ARM


def _save(path: Path, motion: BoneMotion, order: str, axes: np.ndarray, fps: float) -> None:
    """Writes a motion; ``axes`` (B, 3, 3) are those of each bone at rest, as columns."""
    armature = motion.armature
    parents = np.maximum(armature.parents, 0)
    offsets = (armature.offsets[:, None] @ axes[parents])[:, 0] * _CENTIMETRES
    tips = (armature.vectors[:, None] @ axes)[:, 0] * _CENTIMETRES
    angles = np.empty((len(motion.root), len(axes), 3))
    for bone, parent in enumerate(armature.parents):  # one by one: matrices of an hour take much room
        local = motion.rotations[:, bone] @ axes[bone]
        if parent >= 0:
            local = (motion.rotations[:, parent] @ axes[parent]).swapaxes(-1, -2) @ local
        angles[:, bone] = np.degrees(matrix_to_euler(local, order))
    lines, bones = ['HIERARCHY'], []
    _describe(lines, bones, 0, armature, offsets, tips, ' '.join(f'{axis}rotation' for axis in order))
    lines += ['MOTION', f'Frames: {len(angles)}', f'Frame Time: {1 / fps:.9f}']
    rows = np.concatenate([motion.root * _CENTIMETRES, angles[:, bones].reshape(len(angles), -1)], 1)
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='ascii') as file:
        file.write('\n'.join(lines) + '\n')
        np.savetxt(file, rows, '%.6f')


def _describe(
    lines: list[str],
    bones: list[int],
    bone: int,
    armature: Armature,
    offsets: np.ndarray,
    tips: np.ndarray,
    rotations: str,
    depth: int = 0,
) -> None:
    """Adds the lines of a bone and of those below it, and their numbers in the order of the file."""
    bones.append(bone)
    pad, kind = '\t' * depth, 'JOINT' if depth else 'ROOT'
    channels = f'CHANNELS 3 {rotations}' if depth else f'CHANNELS 6 Xposition Yposition Zposition {rotations}'
    lines += [f'{pad}{kind} {armature.names[bone]}', pad + '{', f'{pad}\tOFFSET {_numbers(offsets[bone])}']
    lines.append(f'{pad}\t{channels}')
    children = [child for child, parent in enumerate(armature.parents) if parent == bone]
    for child in children:
        _describe(lines, bones, child, armature, offsets, tips, rotations, depth + 1)
    if not children:
        lines += [f'{pad}\tEnd Site', pad + '\t{', f'{pad}\t\tOFFSET {_numbers(tips[bone])}', pad + '\t}']
    lines.append(pad + '}')


def _numbers(vector: np.ndarray) -> str:
    return ' '.join(f'{value:.6f}' for value in vector)

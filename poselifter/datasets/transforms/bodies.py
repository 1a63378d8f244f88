"""Bodies that are posed from rotations: limbs straightened, proportions varied, joints and surface points placed."""

from typing import Any

import numpy as np

from ...registry import TRANSFORMS
from ..clip_batch import ClipBatch
from .base import BatchTransform, next_rngs

_ARM = ('shoulder', 'elbow', 'wrist', 'knuckles', 'finger_joint', 'hand_end', 'thumb_end')
_LEG = ('hip', 'knee', 'ankle', 'toe_base', 'toe_end')
BONES = (
    'root', *(f'left_{end}' for end in _LEG), *(f'right_{end}' for end in _LEG),
    'lower_spine', 'upper_spine', 'thorax', 'neck', 'head_base', 'head_end',
    *(f'left_{end}' for end in _ARM), *(f'right_{end}' for end in _ARM),
)  # fmt: skip
"""Names of the 31 bones, each after the joint where it ends."""
PARENTS = (
    -1,
    0,
    1,
    2,
    3,
    4,
    0,
    6,
    7,
    8,
    9,
    0,
    11,
    12,
    13,
    14,
    15,
    13,
    17,
    18,
    19,
    20,
    21,
    20,
    13,
    24,
    25,
    26,
    27,
    28,
    27,
)
BODY17 = [1, 6, 7, 8, 1, 2, 3, 11, 13, 15, 16, 17, 18, 19, 24, 25, 26]  # the pelvis is put between the hips
_BEND = {'left_elbow': (0, -0.5, -0.87), 'right_elbow': (0, 0.5, 0.87), 'left_knee': (1, 0, 0), 'right_knee': (1, 0, 0)}


class Draws:
    """Numbers for a transform of a batch, each clip's from its own generator."""

    def __init__(self, batch: ClipBatch) -> None:
        self.rngs = next_rngs(batch)

    def __call__(self, *shape: int, normal: bool = False) -> np.ndarray:
        """(B, *shape) float32 from U(0, 1) or N(0, 1)."""
        draws = [
            rng.standard_normal(shape, np.float32) if normal else rng.random(shape, np.float32) for rng in self.rngs
        ]
        return np.stack(draws)


def as_captured(batch: ClipBatch) -> np.ndarray:
    """Which clips (B,) bool show a body as it was captured, which no transform changes."""
    return np.array(batch.metadata.get('own_body', [False] * len(batch)))


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Product of quaternions (..., 4), w first: the turn ``b``, then ``a``."""
    w, x, y, z = np.moveaxis(a, -1, 0)
    v, i, j, k = np.moveaxis(b, -1, 0)
    parts = (w * v - x * i - y * j - z * k, w * i + x * v + y * k - z * j)
    return np.stack([*parts, w * j - x * k + y * v + z * i, w * k + x * j - y * i + z * v], -1)


def conjugate(q: np.ndarray) -> np.ndarray:
    """The opposite turn of unit quaternions (..., 4)."""
    return q * np.array([1, -1, -1, -1], q.dtype)


def rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) turned by unit quaternions (..., 4), broadcast."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    a, b, c = np.moveaxis(v, -1, 0)
    i, j, k = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return np.stack([a + w * i + y * k - z * j, b + w * j + z * i - x * k, c + w * k + x * j - y * i], -1)


def _about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) of turns about unit axes (..., 3) by radians (...)."""
    return np.concatenate([np.cos(angle / 2)[..., None], axis * np.sin(angle / 2)[..., None]], -1)


def place_joints(rotations: np.ndarray, offsets: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Forward kinematics.

    Args:
        rotations: (..., T, 31, 4) quaternions that turn each bone from the rest pose into the world.
        offsets: (..., 31, 3) bones in the rest pose, metres.
        middle: (..., T, 3) the place between the hips, metres.

    Returns:
        (..., T, 31, 3) ends of the bones, metres.
    """
    ends = rotate(rotations, offsets[..., None, :, :])
    ends[..., 0, :] = 0
    for bone, parent in enumerate(PARENTS[1:], 1):
        ends[..., bone, :] += ends[..., parent, :]
    return ends + (middle - (ends[..., 1, :] + ends[..., 6, :]) / 2)[..., None, :]


@TRANSFORMS.register_module()
class TimeWarp(BatchTransform):
    """Shows a part of a longer window faster or slower, between frames by interpolation.

    Args:
        length: frames that are left.
        speed: range; 2 shows twice the motion in a frame. The window has to be ``length * max(speed)`` long.
    """

    def __init__(self, length: int = 27, speed: tuple[float, float] = (0.5, 2.0)) -> None:
        self.length, self.speed = length, speed

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes ``bone_rotations`` and ``world_root``."""
        place, rate = Draws(batch)(2).T
        n_frames, (low, high) = batch.arrays['world_root'].shape[1], self.speed
        step = np.minimum(low * (high / low) ** rate, (n_frames - 1) / (self.length - 1))
        where = (n_frames - 1 - step * (self.length - 1))[:, None] * place[:, None] + step[:, None] * np.arange(
            self.length
        )
        lower = where.astype(int).clip(0, n_frames - 2)
        fraction, rows = (where - lower).astype(np.float32)[..., None], np.arange(len(batch))[:, None]
        for key in ('bone_rotations', 'world_root'):
            x, f = batch.arrays[key], fraction[..., None] if key == 'bone_rotations' else fraction
            batch.arrays[key] = x[rows, lower] * (1 - f) + x[rows, lower + 1] * f
        batch.arrays['bone_rotations'] /= np.linalg.norm(batch.arrays['bone_rotations'], axis=-1, keepdims=True)
        batch.arrays['frame_indices'] = batch.arrays['frame_indices'][rows, lower]
        return batch


@TRANSFORMS.register_module()
class StraightenLimbs(BatchTransform):
    """Takes a random angle off the bend of knees and elbows, down to straight.

    Marker-based captures put the knee's centre such that a straight leg seems bent by some 15 degrees. The thigh turns
    by half the angle and the shin by the other half, so that hip and ankle stay in line; feet keep their direction.

    Args:
        angle: largest angle, degrees.
        prob: probability.
    """

    def __init__(self, angle: float = 40, prob: float = 0.6) -> None:
        self.angle, self.prob = angle, prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes ``bone_rotations``."""
        turns = batch.arrays['bone_rotations']
        amounts = Draws(batch)(6)
        common = (amounts[:, 0] < self.prob) * ~as_captured(batch) * np.radians(self.angle)
        for (joint, axis), amount in zip(_BEND.items(), amounts[:, 1:5].T, strict=True):
            upper = BONES.index(joint)
            axis = np.asarray(axis, np.float32) / np.float32(np.linalg.norm(axis))
            amount = common * (amounts[:, 5] if 'knee' in joint else amount)
            relative = multiply(conjugate(turns[:, :, upper]), turns[:, :, upper + 1])
            bend = 2 * np.arctan2((relative[..., 1:] * axis).sum(-1), relative[..., 0])
            bend = np.minimum((bend + np.pi) % (2 * np.pi) - np.pi, amount[:, None]).clip(min=0)
            world = rotate(turns[:, :, upper], np.broadcast_to(axis, (*bend.shape, 3)))
            if 'knee' in joint:
                turns[:, :, upper] = multiply(_about(world, bend / 2), turns[:, :, upper])
                turns[:, :, upper + 1] = multiply(_about(world, -bend / 2), turns[:, :, upper + 1])
            else:
                lower = slice(upper + 1, upper + 6)
                turns[:, :, lower] = multiply(_about(world, -bend)[:, :, None], turns[:, :, lower])
        return batch


@TRANSFORMS.register_module()
class VaryPose(BatchTransform):
    """Turns legs at the hips, the trunk above the pelvis, arms at the shoulders and the head by constant random angles.

    So poses that were not captured (leans, a leg held aside, arms elsewhere) come with the captured motion. Bodies that
    are shown as captured stay as they are.

    Args:
        angle: standard deviation of the turns of legs about each axis, degrees; trunk and head turn as much, arms 1.6
            times.
        prob: probability.
    """

    def __init__(self, angle: float = 11, prob: float = 0.5) -> None:
        self.angle, self.prob = angle, prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Changes ``bone_rotations``."""
        turns, draw = batch.arrays['bone_rotations'], Draws(batch)
        chosen = (draw(1)[:, 0] < self.prob) & ~as_captured(batch)
        vectors = np.radians(self.angle) * draw(6, 3, normal=True) * chosen[:, None, None]
        groups = ((0, 2, 6, 1), (0, 7, 11, 1), (0, 11, 31, 1), (13, 15, 17, 1), (13, 18, 24, 1.6), (13, 25, 31, 1.6))
        for vector, (carrier, first, last, factor) in zip(np.moveaxis(vectors, 1, 0), groups, strict=True):
            angle = np.linalg.norm(vector, axis=-1)
            turn = _about(vector / angle.clip(min=1e-6)[:, None], factor * angle)[:, None]
            frame = turns[:, :, carrier]
            world = multiply(multiply(frame, np.broadcast_to(turn, frame.shape)), conjugate(frame))
            turns[:, :, first:last] = multiply(world[:, :, None], turns[:, :, first:last])
        return batch


_PROPORTIONS = {  # fractions by which lengths of bones differ from the subject's
    **dict.fromkeys(('root', 'toe_base', 'toe_end', 'knuckles', 'neck', 'head_base', 'head_end'), (0.9, 1.1)),
    **dict.fromkeys(('knee', 'ankle', 'elbow'), (0.97, 1.03)),
    'hip': (0.9, 1.25), 'shoulder': (0.85, 1.1), 'spine': (0.97, 1.12), 'wrist': (0.9, 1.5),
    'legs': (0.93, 1.04), 'arms': (0.94, 1.06), 'height': (0.85, 1.15),
}  # fmt: skip


@TRANSFORMS.register_module()
class VaryBody(BatchTransform):
    """Changes a body's proportions, left and right alike: the height, legs, arms, trunk, widths, single bones.

    The forearm gets longest: in most captures its joint lies up the arm from the wrist that detectors mark. Legs get
    shorter and trunks longer than captured, towards where detectors mark hips and shoulders. Ranges are people's,
    so that a foreshortened limb shows its bend. Bodies that are shown as captured stay as they are.

    Args:
        prob: probability.
    """

    def __init__(self, prob: float = 0.9) -> None:
        self.prob = prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Scales ``bone_offsets``."""
        draws = Draws(batch)(len(_PROPORTIONS) + 1)
        factor = {
            name: low + (high - low) * x for (name, (low, high)), x in zip(_PROPORTIONS.items(), draws.T, strict=False)
        }
        scale = np.empty((len(batch), len(BONES)), np.float32)
        for bone, name in enumerate(BONES):
            kind = 'spine' if name in ('lower_spine', 'upper_spine', 'thorax') else name.split('_', 1)[-1]
            kind = name if kind not in _PROPORTIONS and name in _PROPORTIONS else kind
            scale[:, bone] = factor['height'] * factor.get(kind, 1)
            scale[:, bone] *= factor['legs'] if kind in ('knee', 'ankle') else factor['arms'] if kind in _ARM[1:] else 1
        scale[(draws[:, -1] >= self.prob) | as_captured(batch)] = 1
        batch.arrays['bone_offsets'] = batch.arrays['bone_offsets'] * scale[..., None]
        return batch


@TRANSFORMS.register_module()
class PoseBody(BatchTransform):
    """Places the joints of ``body17``, and the points that a 2D detector would mark for them.

    Detectors mark points on the surface, and conversion to ``h36m17`` makes up the trunk from them: see
    :class:`DetectedJoints`, whose ranges these are; the head's points and small errors of all joints turn with the
    bones. Offsets are drawn once a clip.

    Args:
        prob: probability; otherwise the detector marks the joints themselves.
    """

    films = True

    def __init__(self, prob: float = 0.85) -> None:
        self.prob = prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Adds ``world_keypoints`` and ``world_landmarks``; takes rotations away."""
        turns, arrays = batch.arrays['bone_rotations'], dict(batch.arrays)
        ends = place_joints(arrays.pop('bone_rotations'), arrays.pop('bone_offsets'), arrays.pop('world_root'))
        joints = ends[:, :, BODY17]
        joints[:, :, 0] = (joints[:, :, 1] + joints[:, :, 4]) / 2
        draw = Draws(batch)
        draws, jitter = draw(9).T[..., None, None], draw(1, 17, 3, normal=True)
        marks = joints + rotate(turns[:, :, BODY17], 0.01 * jitter)
        up = rotate(turns[:, :, [0, 13, 16]], np.array([0, 0, 1], np.float32))
        forward = rotate(turns[:, :, 16], np.array([0, -1, 0], np.float32))

        def between(number: int, low: float, high: float) -> np.ndarray:
            return low + (high - low) * draws[number]

        for pair, middle, wide, high, which in (
            ([1, 4], 0, between(0, 1.0, 1.4), between(1, -0.04, 0.07), 0),
            ([11, 14], 8, between(2, 0.95, 1.15), between(3, -0.03, 0.04), 1),
        ):
            centre = joints[:, :, middle : middle + 1]
            marks[:, :, pair] = (
                centre + (joints[:, :, pair] - centre) * wide[..., None] + (up[:, :, which] * high)[:, :, None]
            )
        marks[:, :, 9] = joints[:, :, 9] + up[:, :, 2] * between(4, -0.02, 0.05) + forward * between(5, 0.07, 0.13)
        marks[:, :, 10] = joints[:, :, 9] + up[:, :, 2] * between(6, 0.03, 0.09) + forward * between(7, 0.05, 0.11)
        marks[:, :, 0], marks[:, :, 8] = marks[:, :, [1, 4]].mean(2), marks[:, :, [11, 14]].mean(2)
        marks[:, :, 7] = (marks[:, :, 0] + marks[:, :, 8]) / 2
        marked = draws[8][..., None] < self.prob
        arrays |= {'world_keypoints': joints, 'world_landmarks': np.where(marked, marks, joints)}
        names: dict[str, Any] = {'skeleton': ['h36m17'] * len(batch), 'skeleton_3d': ['body17'] * len(batch)}
        return ClipBatch(arrays, {**batch.metadata, **names})

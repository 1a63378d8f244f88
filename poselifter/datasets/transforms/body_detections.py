"""2D detections simulated on the surface of bodies of all builds, for the joint sets of several detectors."""

from typing import Any

import numpy as np

from ...errors import check_choice
from ...geometry import quaternion_to_matrix
from ...registry import TRANSFORMS
from ...skeletons import convert_keypoints, get_skeleton
from ...utils import shipped_root
from ...utils.arrays import load_arrays
from ..clip_batch import ClipBatch
from .base import BatchTransform
from .bodies import BODY17, BONES, PARENTS, Draws, as_captured, place_joints

FILE = 'zoo/body_points-235146d6.npz'
_NEED = (
    'shapes',
    'rests',
    'offsets',
    'point_names',
    'point',
    'bone',
    'weight',
    'places',
    'vertex_bone',
    'vertex_places',
    'depth',
)
_DETECTORS = ('mediapipe33', 'coco17', 'halpe26', 'body25')
_STARTS = [max(parent, 0) for parent in PARENTS]
_LIMBS = [BONES.index(f'{side}_{end}') for side in ('left', 'right') for end in ('knee', 'ankle', 'elbow', 'wrist')]
BONES20 = (  # CMU's of those that all body models have
    'root', 'lower_spine', 'upper_spine', 'thorax', 'head_base', 'head_end',
    'left_shoulder', 'left_elbow', 'left_wrist', 'left_knuckles', 'left_knee', 'left_ankle', 'left_toe_base',
    'right_shoulder', 'right_elbow', 'right_wrist', 'right_knuckles', 'right_knee', 'right_ankle', 'right_toe_base',
)  # fmt: skip
_Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)  # from y up, facing z, to z up, facing -y
_REACH = 0.02  # metres: half the distance of the vertices
_FOREARM = 0.9  # upper arms: 0.95 by de Leva (J. Biomechanics 29, 1996), 0.84 in Daz's clips, 0.6 to 0.7 in CMU's own
_SKIN = 0.05  # metres: what is in front of a joint by less, beside its own depth under the skin, is its own limb


@TRANSFORMS.register_module()
class BodyDetections(BatchTransform):
    """Puts a body of random build on the captured bones, and marks the points on it that a 2D detector would mark.

    The bodies are Anny's (``tools/model_converters/body_points.py``), from children to old people. Joints become those
    of the body. A clip that is shown as it was captured keeps its bones but for :func:`with_wrists`, and gets the
    surface of the build whose bones are nearest in length, to their scale.

    Args:
        detectors: one is drawn for each clip; its points are converted to ``skeleton`` as those of a user are.
        skeleton: joint set of the 2D points; one of the detectors gives its own points. Of ``body23`` the targets have
            ears, heels and toes too, as places on the skin; those that a detector lacks are ``landmarks_absent``.
        spread: standard deviation of constant offsets of each point, metres: people and detectors differ.
        labels: adds ``body_rotations`` and ``body_shape``, with which a body model poses the same body.
        visibility: frames between two depth tests of what hides what; 0: all points count as seen.
        path: the file of bodies, ``None`` for the one that ships.
    """

    films = True

    def __init__(
        self,
        detectors: tuple[str, ...] = _DETECTORS,
        skeleton: str = 'h36m17',
        spread: float = 0.012,
        visibility: int = 9,
        labels: bool = False,
        path: str | None = None,
    ) -> None:
        for name in detectors:
            check_choice('detectors', name, _DETECTORS)
        self.detectors, self.skeleton, self.spread = detectors, skeleton, spread
        self.visibility, self.labels = visibility, labels
        arrays = load_arrays(path or shipped_root() / FILE, _NEED, ('point_names',), 'reinstall poselifter')
        names = arrays['point_names'].tolist()
        self.order = {
            d: [
                names.index(own if (own := f'{d}/{joint}') in names else joint) for joint in get_skeleton(d).joint_names
            ]
            for d in detectors
        }
        self.further = [names.index(joint) for joint in get_skeleton('body23').joint_names[17:]]
        self.shapes, self.rests = arrays['shapes'], arrays['rests']
        self.offsets = arrays['offsets']
        order = np.argsort(arrays['vertex_bone'], kind='stable')
        vertices = arrays['vertex_places'][:, order].swapaxes(1, 2).astype(np.float32) * 1e-4
        self.vertices = np.concatenate([vertices, np.ones_like(vertices[:, :1])], 1)  # homogeneous, bone by bone
        self.vertex_ends = np.cumsum(np.bincount(arrays['vertex_bone'], minlength=len(BONES)))
        self.carriers = np.zeros((len(self.shapes), len(names), len(BONES), 4), np.float32)
        self.carriers[:, arrays['point'], arrays['bone'], :3] = arrays['weight'][:, None] * arrays['places']
        self.carriers[:, arrays['point'], arrays['bone'], 3] = arrays['weight']
        self.main = arrays['bone'][np.flatnonzero(np.diff(arrays['point'], prepend=-1))].astype(np.intp)
        self.depth = arrays['depth']
        self.lengths = np.linalg.norm(self.offsets, axis=-1)

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Adds ``world_keypoints`` and ``world_landmarks``, and what :func:`hidden_points` needs; takes rotations."""
        arrays, draw = dict(batch.arrays), Draws(batch)
        turns, captured = arrays.pop('bone_rotations'), arrays.pop('bone_offsets')
        draws, jitter = draw(2), draw(len(self.main), 3, normal=True)
        builds, offsets, scale = self._bodies(draws[:, 0], with_wrists(captured), as_captured(batch))
        ends = place_joints(turns, offsets, arrays.pop('world_root'))
        frames = bone_frames(turns, ends)
        carriers = self.carriers[builds]
        carriers[..., :3] *= scale[..., None]
        which = (draws[:, 1] * len(self.detectors)).astype(int)
        joints = ends[:, :, BODY17]
        joints[:, :, 0] = (joints[:, :, 1] + joints[:, :, 4]) / 2
        targets = 'body23' if self.skeleton == 'body23' else 'body17'
        if targets == 'body23':
            joints = np.concatenate([joints, carried(frames, carriers[:, self.further])], 2)
        carriers[:, np.arange(len(self.main)), self.main, :3] += self.spread * jitter
        marks, depth = self._detected(carried(frames, carriers), which)
        absent = np.isnan(depth)
        marks = np.where(absent[:, None, :, None], marks[:, :, :1], marks)
        arrays |= {'world_keypoints': joints, 'world_landmarks': marks, 'landmarks_absent': absent.astype(np.float32)}
        if self.visibility:
            tested = frames[:, min(self.visibility // 2, turns.shape[1] - 1) :: self.visibility]
            surface = self._surface(tested, builds, scale)
            arrays |= {'world_surface': surface.swapaxes(-1, -2), 'landmark_depth': np.nan_to_num(depth)}
        if self.labels:
            arrays |= {'body_rotations': common_rotations(turns, self.rests[builds]), 'body_shape': self.shapes[builds]}
        names: dict[str, Any] = {'skeleton': [self.skeleton] * len(batch), 'skeleton_3d': [targets] * len(batch)}
        return ClipBatch(arrays, {**batch.metadata, **names})

    def _bodies(self, draws: np.ndarray, captured: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, ...]:
        """Numbers of builds (B,), offsets of bones (B, 31, 3), and what scales the surface (B, 1, 1)."""
        builds = (draws * len(self.offsets)).astype(int)
        lengths = np.linalg.norm(captured, axis=-1)[:, _LIMBS]
        nearest = np.abs(lengths[:, None] - self.lengths[:, _LIMBS]).sum(-1).argmin(1)
        builds = np.where(own, nearest, builds)
        offsets = np.where(own[:, None, None], captured, self.offsets[builds])
        scale = np.where(own, lengths.sum(1) / self.lengths[builds][:, _LIMBS].sum(1), 1)
        return builds, offsets, scale[:, None, None].astype(np.float32)

    def _surface(self, frames: np.ndarray, builds: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Vertices (B, K, 3, V) of the bodies in some frames of their bones (B, K, 3, 31, 4)."""
        vertices = self.vertices[builds]
        vertices[:, :3] *= scale
        n_clips, n_frames = frames.shape[:2]
        frames = frames.reshape(n_clips, n_frames * 3, *frames.shape[3:])
        surface = np.empty((n_clips, n_frames * 3, vertices.shape[-1]), np.float32)
        first = 0
        for bone, last in enumerate(self.vertex_ends):
            surface[..., first:last] = frames[:, :, bone] @ vertices[..., first:last]
            first = last
        return surface.reshape(n_clips, n_frames, 3, -1)

    def _detected(self, points: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (B, T, J, 3) of ``skeleton`` as each clip's detector gives them, and their depths (B, J)."""
        marks, depths = None, None
        for number, (detector, order) in enumerate(self.order.items()):
            rows = which == number
            mark, depth = (
                convert_keypoints(x, detector, self.skeleton)
                for x in (points[rows][:, :, order], self.depth[order][:, None])
            )
            if marks is None:
                marks = np.empty((*points.shape[:2], *mark.shape[2:]), np.float32)
                depths = np.empty((len(points), len(depth)), np.float32)
            marks[rows], depths[rows] = mark, depth[:, 0]
        return marks, depths


def with_wrists(offsets: np.ndarray) -> np.ndarray:
    """Offsets of bones (B, 31, 3) whose wrists are anatomical: captures often have a point 5 cm up the forearm instead.

    A forearm gets at least 0.9 times as long as the upper arm, at the cost of nine tenths of the palm at most, so that
    the knuckles stay. Two clips of CMU with a borrowed skeleton, whose forearms have half that length, reach 0.65.
    """
    offsets = offsets.copy()
    for side in ('left', 'right'):
        upper, fore, palm = (BONES.index(f'{side}_{end}') for end in ('elbow', 'wrist', 'knuckles'))
        lengths = np.linalg.norm(offsets[:, [upper, fore, palm]], axis=-1).clip(1e-6)
        longer = (_FOREARM * lengths[:, 0] - lengths[:, 1]).clip(0, 0.9 * lengths[:, 2])
        offsets[:, fore] *= (1 + longer / lengths[:, 1])[:, None]
        offsets[:, palm] *= (1 - longer / lengths[:, 2])[:, None]
    return offsets


def bone_frames(turns: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Matrices (B, T, 3, 31, 4) from homogeneous places on bones to the world; of quaternions and ends of the bones."""
    frames = np.empty((*turns.shape[:2], 3, len(BONES), 4), np.float32)
    frames[..., :3] = quaternion_to_matrix(turns).swapaxes(2, 3)
    frames[..., 3] = ends[:, :, _STARTS].swapaxes(2, 3)
    return frames


def carried(frames: np.ndarray, carriers: np.ndarray) -> np.ndarray:
    """Points (B, T, J, 3) that bones carry; carriers (B, J, 31, 4) are homogeneous places on each, times its weight."""
    (n_clips, length), n_points = frames.shape[:2], carriers.shape[1]
    points = frames.reshape(n_clips, length * 3, -1) @ carriers.reshape(n_clips, n_points, -1).swapaxes(1, 2)
    return points.reshape(n_clips, length, 3, n_points).swapaxes(2, 3)


def common_rotations(turns: np.ndarray, rests: np.ndarray) -> np.ndarray:
    """Rotations of ``bones20`` relative to their parents, from those of CMU's bones.

    Args:
        turns: (B, T, 31, 4) quaternions from the rest pose, arms to the side, z up, facing -y.
        rests: (B, 20, 3, 3) what turns each bone of the body before, y up, facing z.

    Returns:
        (B, T, 20, 3, 3) from the T pose, y up, facing z; the first one's ends in the world, z up.
    """
    world = quaternion_to_matrix(turns[:, :, [BONES.index(name) for name in BONES20]]) @ _Z_UP @ rests[:, None]
    parents = list(get_skeleton('bones20').parents[1:])
    below = world[:, :, parents].swapaxes(-1, -2) @ world[:, :, 1:]
    return np.concatenate([world[:, :, :1], below], 2).astype(np.float32)


def hidden_points(points: np.ndarray, depth: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Which points a camera does not see because the body is in front of them.

    A vertex hides a point if it lies beside the line of sight by less than half the distance of vertices, nearer than
    the point by more than the point lies under its own skin. Rays on the full mesh agree in nine of ten cases.

    Args:
        points: (B, T, J, 3) metres, camera axes: z forward.
        depth: (B, J) of each under the skin, metres.
        surface: (B, K, V, 3) vertices of the body in K of the frames, spread evenly, some 4 cm from each other.

    Returns:
        (B, T, J) bool; frames between are as the nearest of the K.
    """
    count, frames = surface.shape[1], points.shape[1]
    nearest = (np.arange(frames) * count // frames).clip(max=count - 1)
    shown = np.searchsorted(nearest, np.arange(count)) + np.bincount(nearest, minlength=count) // 2
    seen = points[:, shown].astype(np.float32)
    x, y, z = np.moveaxis(surface.astype(np.float32, copy=False), -1, 0)
    lines = seen[..., :2] / seen[..., 2:]
    # (x - l z)^2 + (y - m z)^2 of every vertex and line of sight (l, m) as one matrix product
    lines = np.stack([np.ones_like(lines[..., 0]), lines[..., 0], lines[..., 1], np.square(lines).sum(-1)], -1)
    beside = lines @ np.stack([x * x + y * y, -2 * z * x, -2 * z * y, z * z], -2)  # (B, K, J, V)
    hiding = beside < _REACH**2
    hiding &= z[:, :, None] < (seen[..., 2] - depth[:, None] - _SKIN)[..., None]
    return hiding.any(-1)[:, nearest]

"""Simulated 2D detector: surface landmarks, noise, misses."""

from typing import Any

import numpy as np

from ...geometry import Camera, project
from ...registry import TRANSFORMS
from ...skeletons import get_skeleton
from .base import Transform

# Spread of a detector's error by joint, relative to the whole body's: ends of limbs are detected worst.
_SPREAD = {
    'head_top': 0.7, 'nose': 0.6, 'thorax': 0.8, 'spine': 0.9, 'pelvis': 0.9,
    'hip': 1.0, 'knee': 1.1, 'ankle': 1.3, 'shoulder': 0.9, 'elbow': 1.2, 'wrist': 1.5,
}  # fmt: skip


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True).clip(min=1e-6)


@TRANSFORMS.register_module()
class DetectedJoints(Transform):
    """Moves 2D joints to where COCO keypoints, converted to ``h36m17``, would be.

    Detectors mark points on the body's surface, and the conversion makes up the trunk from them: hips come out wider
    and higher than the joints' centres, thorax and spine lie on the line between mid-shoulders and mid-hips, the nose
    is the tip of the nose, the head top is between the eyes. The offsets are drawn once a clip: one person, one
    detector.

    Args:
        prob: probability; otherwise the joints stay as they are, which is what
            users of a Halpe-26 or H36M detector bring.
    """

    films = True

    def __init__(self, prob: float = 0.8) -> None:
        self.prob = prob

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Replaces ``keypoints``; the 3D target stays."""
        sample = {**sample, 'skeleton': 'h36m17'}
        if rng.random() >= self.prob:
            return sample
        surface = self.surface_points(sample['lifting_target'], rng)
        camera = Camera.from_dict(sample['camera_param'])
        return {**sample, 'keypoints': project(surface, camera).astype(np.float32)}

    @staticmethod
    def surface_points(pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Surface points that a detector would mark for the joints of a pose.

        Args:
            pose: (T, 17, 3) ``cmu17`` or ``h36m17`` joints, metres, camera frame.
            rng: source of the offsets.

        Returns:
            (T, 17, 3) points, metres, camera frame.
        """
        points = pose + rng.normal(0, 0.008, (17, 3))
        pelvis, thorax = pose[:, :1], pose[:, 8:9]
        up = _unit(thorax - pelvis)
        hips, shoulders = [1, 4], [11, 14]
        points[:, hips] = pelvis + (pose[:, hips] - pelvis) * rng.uniform(1.0, 1.4) + up * rng.uniform(-0.02, 0.07)
        wide, high = rng.uniform(0.95, 1.15), rng.uniform(-0.03, 0.03)
        points[:, shoulders] = thorax + (pose[:, shoulders] - thorax) * wide + up * high
        left = _unit(pose[:, 11:12] - pose[:, 14:15] + pose[:, 4:5] - pose[:, 1:2])
        head_up = _unit(pose[:, 10:11] - pose[:, 9:10])
        forward = _unit(np.cross(left, head_up))
        points[:, 9:10] = pose[:, 9:10] + head_up * rng.uniform(-0.02, 0.05) + forward * rng.uniform(0.07, 0.13)
        points[:, 10:11] = pose[:, 9:10] + head_up * rng.uniform(0.03, 0.09) + forward * rng.uniform(0.05, 0.11)
        points[:, 0] = points[:, hips].mean(1)
        points[:, 8] = points[:, shoulders].mean(1)
        points[:, 7] = (points[:, 0] + points[:, 8]) / 2
        return points


@TRANSFORMS.register_module()
class KeypointNoise(Transform):
    """Errors of a 2D detector, in pixels relative to the person's size, and its confidence.

    Four parts: jitter from frame to frame; slow drift (a detector errs the same way in neighbouring frames); outliers,
    where a joint jumps off for some frames; and missed joints. Confidence falls with the error, as a detector's does.

    A subclass may set other constants.
    """

    films = True
    jitter, drift = 0.004, 0.008  # standard deviations, in person sizes
    outliers, missing = 0.01, 0.02  # fractions of joints and frames that are off, that are missed
    absent = 0.005  # fraction of frames in which the whole person is missed
    period = 5  # frames over which drift, outliers and gaps last
    strength = (0.3, 1.7)  # range from which each clip draws how much all of it counts

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Disturbs ``keypoints`` and sets ``keypoints_visible`` to the confidence."""
        keypoints = sample['keypoints']
        n_frames, n_joints, _ = keypoints.shape
        names = get_skeleton(sample['skeleton']).joint_names
        spread = np.array([_SPREAD.get(n, _SPREAD.get(n.split('_')[-1], 1.0)) for n in names])[:, None]
        size = np.median(np.ptp(keypoints, axis=1).max(-1))
        strength = rng.uniform(*self.strength)

        keys = -(-n_frames // self.period) + 1
        phase = rng.uniform(0, 1)
        where = (np.arange(n_frames) / self.period + phase).clip(max=keys)
        lower = where.astype(int)
        slow = rng.normal(0, self.drift, (keys + 2, n_joints, 2))
        fraction = (where - lower)[:, None, None]
        error = (1 - fraction) * slow[lower] + fraction * slow[lower + 1]
        error = (error + rng.normal(0, self.jitter, keypoints.shape)) * spread * strength
        off = rng.random((keys + 2, n_joints)) < self.outliers * strength
        error += (rng.normal(0, 0.08, (keys + 2, n_joints, 2)) * off[..., None])[lower]
        lost = rng.random((keys + 2, n_joints)) < self.missing * strength
        lost = (lost | (rng.random((keys + 2, 1)) < self.absent * strength))[lower]

        distance = np.linalg.norm(error, axis=-1)
        confidence = 0.95 * np.exp(-distance / 0.06) + rng.normal(0, 0.04, distance.shape)
        visible = np.where(lost | (sample['keypoints_visible'] == 0), 0, confidence.clip(0.05, 1)).astype(np.float32)
        moved = (keypoints + error * size).astype(np.float32)
        return {**sample, 'keypoints': moved, 'keypoints_visible': visible}

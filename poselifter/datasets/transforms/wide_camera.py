"""Cameras of all kinds for posed bodies: pitched, rolled, near and far, that may cut a person off."""

from typing import Any

import numpy as np

from ...registry import TRANSFORMS
from ..clip_batch import ClipBatch
from .base import BatchTransform
from .bodies import Draws
from .body_detections import hidden_points

_SIZES = np.array([(1920, 1080), (1080, 1920), (1280, 720), (720, 1280), (1000, 1000), (1440, 1080)])


@TRANSFORMS.register_module()
class WideCamera(BatchTransform):
    """Films each clip with a camera of its own, from a wide distribution.

    Most cameras look a little down and stand nearly straight; the rest fill the ranges. Some bodies lean over or lie.
    The person may stand anywhere in the picture at any size, some reach over its edge. A subclass may set other
    constants.

    Args:
        pitch: range, degrees; positive looks down.
        roll: largest tilt, degrees; one in 25 is tilted by up to 90.
        distance: range, metres.
        focal: range in units of the picture's longer side: 0.5 sees 90 degrees, 4 sees 14.
    """

    films = True
    lean = 0.12  # fraction of clips whose body is turned by up to 100 degrees about a horizontal axis
    size = (0.12, 1.0)  # range of the person's extent in the picture, in units of its longer side
    cut = 0.15  # fraction of clips whose person may reach over an edge by half

    def __init__(
        self,
        pitch: tuple[float, float] = (-15, 45),
        roll: float = 30,
        distance: tuple[float, float] = (1.5, 15),
        focal: tuple[float, float] = (0.5, 4),
    ) -> None:
        self.pitch, self.roll, self.distance, self.focal = pitch, roll, distance, focal

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Adds ``lifting_target``, ``keypoints`` in pixels, ``keypoints_visible``, 0 outside of the picture.

        Where the body's surface is given, ``keypoints_hidden`` says which points lie behind it; rotations of its bones
        become those seen from the camera.
        """
        arrays, draw = dict(batch.arrays), Draws(batch)
        draws = draw(14).astype(np.float64)
        joints, marks = arrays.pop('world_keypoints'), arrays.pop('world_landmarks')
        middle = joints[:, :, :1].mean(1, keepdims=True)
        turns = self._orientations(draws, draw(2, normal=True))[:, None]
        joints, marks = ((x - middle) @ turns.swapaxes(-1, -2) for x in (joints, marks))
        sizes = _SIZES[(draws[:, 9] * len(_SIZES)).astype(int)]
        longer = sizes.max(1)
        distance = _log_range(draws[:, 10], self.distance)
        distance = np.maximum(distance, 0.7 - marks[..., 2].min((1, 2)))
        extent = np.ptp(marks[..., :2], axis=(1, 2)).max(-1) / distance
        focal = (_log_range(draws[:, 11], self.size) / extent).clip(*self.focal) * longer
        position = self._positions(marks, distance, focal, sizes, draws[:, 12:], draws[:, :2])
        ray = np.concatenate([position / focal[:, None], np.ones((len(batch), 1))], -1) * distance[:, None]
        joints, marks = (_before_camera(x + ray[:, None, None]) for x in (joints, marks))
        pixels = marks[..., :2] / marks[..., 2:] * focal[:, None, None, None] + sizes[:, None, None] / 2
        inside = ((pixels >= 0) & (pixels <= sizes[:, None, None])).all(-1)
        arrays |= {'lifting_target': joints.astype(np.float32), 'keypoints': pixels.astype(np.float32)}
        absent = arrays.get('landmarks_absent', np.zeros(inside.shape[::2])) > 0
        arrays['lifting_target_visible'] = np.ones(joints.shape[:-1], np.float32)
        arrays['keypoints_visible'] = (inside & ~absent[:, None]).astype(np.float32)
        if 'body_rotations' in arrays:
            arrays['body_rotations'][:, :, 0] = (turns @ arrays['body_rotations'][:, :, 0]).astype(np.float32)
        if 'world_surface' in arrays:
            # components stand in front while vertices are many: what is done to each reads memory in one go
            surface = np.moveaxis(arrays.pop('world_surface'), -1, 2)
            moved = ray[:, None, :, None] - turns @ middle.swapaxes(-1, -2)
            surface = np.moveaxis(turns.astype(np.float32) @ surface + moved.astype(np.float32), 2, -1)
            hidden = hidden_points(marks, arrays.pop('landmark_depth'), _before_camera(surface))
            arrays['keypoints_hidden'] = hidden.astype(np.float32)
        shapes: dict[str, Any] = {'img_shape': [(int(height), int(width)) for width, height in sizes]}
        return ClipBatch(arrays, {**batch.metadata, **shapes})

    def _orientations(self, draws: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """World-to-camera rotations (B, 3, 3), the body's lean in them."""
        usual, turn = draws[:, 2] < 0.6, 2 * np.pi * draws[:, 3]
        low, high = self.pitch
        pitch = np.where(usual, (8 + 10 * normal[:, 0]).clip(low, high), low + (high - low) * draws[:, 4])
        roll = np.where(usual, 5 * normal[:, 1], self.roll * (2 * draws[:, 5] - 1))
        roll = np.radians(np.where(draws[:, 6] > 0.96, 90 * (2 * draws[:, 5] - 1), roll))
        pitch = np.radians(pitch)
        forward = np.stack([np.cos(pitch) * np.cos(turn), np.cos(pitch) * np.sin(turn), -np.sin(pitch)], -1)
        right = np.stack([np.sin(turn), -np.cos(turn), np.zeros_like(turn)], -1)
        down = np.cross(forward, right)
        cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
        camera = np.stack([cos * right + sin * down, cos * down - sin * right, forward], 1)
        angle, side = np.radians(100) * draws[:, 7] * (draws[:, 8] < self.lean), 2 * np.pi * draws[:, 4]
        axis = np.stack([np.cos(side), np.sin(side), np.zeros_like(side)], -1)
        cross = np.zeros((len(axis), 3, 3))
        cross[:, [2, 0, 1], [1, 2, 0]], cross[:, [1, 2, 0], [2, 0, 1]] = axis, -axis
        lean = np.eye(3) + np.sin(angle)[:, None, None] * cross + (1 - np.cos(angle))[:, None, None] * cross @ cross
        return camera @ lean

    def _positions(
        self,
        seen: np.ndarray,
        distance: np.ndarray,
        focal: np.ndarray,
        sizes: np.ndarray,
        draws: np.ndarray,
        cuts: np.ndarray,
    ) -> np.ndarray:
        """Places of the hips in the picture, pixels from its centre (B, 2)."""
        depth = (seen[..., 2] + distance[:, None, None]).clip(min=0.3)
        drawn = seen[..., :2] / depth[..., None] * focal[:, None, None, None]
        low, high = drawn.min((1, 2)), drawn.max((1, 2))
        first, last = -sizes / 2 - low, sizes / 2 - high
        over = (cuts[:, :1] < self.cut) * 0.5 * (high - low)
        first, last = np.minimum(first, last) - over, np.maximum(first, last) + over
        return first + (last - first) * draws


def _before_camera(points: np.ndarray) -> np.ndarray:
    """Points (..., 3) no nearer than 0.3 m."""
    points[..., 2] = points[..., 2].clip(min=0.3)
    return points


def _log_range(draws: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Numbers from U(0, 1) as numbers of a range whose logarithm is uniform."""
    return limits[0] * (limits[1] / limits[0]) ** draws

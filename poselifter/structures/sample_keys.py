"""Specification of the keys of samples: shape, unit, space, missing value.

Axes: T frames, J joints of the sample's joint set, K of the 3D joint set, C channels, P predictions, V vertices, A
classes of actions, D channels of an embedding, N masks of one clip, M persons seen together; ``M?`` is left out of a
sample that is of one person. Spaces: *pixel* (image, x right, y down), *world* (z up, floor at 0), *camera* (x right, y
down, z forward, origin in the camera), *network* (what the codec makes).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class KeySpec:
    """Specification of one key of a sample.

    Attributes:
        shape: axis names or sizes; ``None`` for other values.
        unit: ``px``, ``m``, ``mm/px``, ``1`` or ``-``.
        space: ``pixel``, ``world``, ``camera``, ``network`` or ``-``.
        missing: value that stands for a missing one.
        kind: the Python type.
    """

    shape: tuple[str | int, ...] | None
    unit: str
    space: str
    missing: str
    kind: type | tuple[type, ...] = np.ndarray


SAMPLE_KEYS: dict[str, KeySpec] = {
    'keypoints': KeySpec(('M?', 'T', 'J', 2), 'px', 'pixel', 'any number where keypoints_visible is 0'),
    'keypoints_visible': KeySpec(('M?', 'T', 'J'), '1', '-', '0'),
    'present': KeySpec(('M',), '-', '-', 'key absent: everybody; False: a person of zeros that fills the axis M'),
    'world_keypoints': KeySpec(('T', 'K', 3), 'm', 'world', 'key absent'),
    'world_landmarks': KeySpec(('T', 'J', 3), 'm', 'world', 'key absent'),
    'world_surface': KeySpec(('S', 'V', 3), 'm', 'world', 'key absent'),
    'landmark_depth': KeySpec(('J',), 'm', 'under the skin', 'key absent'),
    'landmarks_absent': KeySpec(('J',), '1', '-', 'key absent: the detector has all'),
    'keypoints_hidden': KeySpec(('T', 'J'), '1', '-', 'key absent'),
    'world_root': KeySpec(('T', 3), 'm', 'world', 'key absent'),
    'bone_rotations': KeySpec(('T', 31, 4), '1', 'world; quaternions from the rest pose', 'key absent'),
    'bone_offsets': KeySpec((31, 3), 'm', 'rest pose', 'key absent'),
    'body_rotations': KeySpec(('T', 20, 3, 3), '1', 'camera; bones20 relative to parents', 'key absent'),
    'body_shape': KeySpec(('S',), '1', '-', 'key absent'),
    'lifting_target': KeySpec(('T', 'K', 3), 'm', 'camera', 'any number where lifting_target_visible is 0'),
    'lifting_target_visible': KeySpec(('T', 'K'), '1', '-', '0'),
    'smpl_pose': KeySpec(('T', 72), 'rad', 'camera', 'any number where smpl_weight is 0'),
    'smpl_shape': KeySpec(('T', 10), '1', '-', 'any number where smpl_weight is 0'),
    'smpl_weight': KeySpec(('T',), '1', '-', '0'),
    'initial_pose': KeySpec(('T', 72), 'rad', 'camera', 'key absent'),
    'initial_shape': KeySpec(('T', 10), '1', '-', 'key absent'),
    'vertices': KeySpec(('T', 'V', 3), 'm', 'camera', 'key absent'),
    'image_target': KeySpec(('T', 'K', 3), 'px', 'pixel; depth from the root', 'key absent'),
    'factor': KeySpec(('T',), 'mm/px', '-', 'key absent'),
    'flip_indices': KeySpec(('J',), '-', '-', 'key absent'),
    'frame_indices': KeySpec(('T',), '-', '-', 'key absent'),
    'inputs': KeySpec(('M?', 'T', 'J', 'C'), '1', 'network', 'all channels 0'),
    'target': KeySpec(('T', 'K', 3), '1', 'network', 'any number where target_weight is 0'),
    'target_weight': KeySpec(('T', 'K'), '1', '-', '0'),
    'target_2d': KeySpec(('T', 'J', 2), '1', 'network, root-relative', 'any number where target_2d_weight is 0'),
    'target_2d_weight': KeySpec(('T', 'J'), '1', '-', '0'),
    'mask': KeySpec(('T', 'J'), '-', '-', 'key absent'),
    'masks': KeySpec(('N', 'T', 'J'), '-', '-', 'key absent'),
    'valid': KeySpec(('T',), '-', '-', 'key absent: no padding'),
    'pred_keypoints_3d': KeySpec(('P', 'K', 3), 'm', 'camera, root-relative', 'key absent'),
    'pred_frames': KeySpec(('P',), '-', '-', 'key absent: the T frames in order'),
    'pred_vertices': KeySpec(('P', 'V', 3), 'm', 'camera', 'key absent'),
    'pred_smpl_pose': KeySpec(('P', 72), 'rad', 'camera', 'key absent'),
    'pred_smpl_shape': KeySpec(('P', 10), '1', '-', 'key absent'),
    'pred_body_rotations': KeySpec(('P', 20, 3, 3), '1', 'camera', 'key absent'),
    'pred_body_shape': KeySpec(('P', 'S'), '1', '-', 'key absent'),
    'pred_scores': KeySpec(('A',), '1', '-', 'key absent'),
    'pred_embedding': KeySpec(('D',), '1', '-', 'key absent'),
    'camera_param': KeySpec(None, '-', '-', 'key absent', dict),
    'img_shape': KeySpec(None, 'px', '-', 'key absent', tuple),
    'fps': KeySpec(None, '1/s', '-', 'key absent', (int, float)),
    'skeleton': KeySpec(None, '-', '-', 'never missing', str),
    'skeleton_3d': KeySpec(None, '-', '-', 'key absent', str),
    'action': KeySpec(None, '-', '-', '-1', int),
    'exemplar': KeySpec(None, '-', '-', 'key absent: False', bool),
    'action_name': KeySpec(None, '-', '-', "''", str),
    'focus': KeySpec(None, '-', '-', 'key absent: first and last + 1 of the frames that an excerpt must show', tuple),
    'captions': KeySpec(None, '-', '-', 'empty list', list),
    'subject': KeySpec(None, '-', '-', "''", str),
    'gender': KeySpec(None, '-', '-', 'key absent: smpl_shape is of the neutral body', str),
    'sequence': KeySpec(None, '-', '-', "''", str),
    'camera': KeySpec(None, '-', '-', "''", str),
    'own_body': KeySpec(None, '-', '-', 'key absent: False; True: bones are those the motion was captured with', bool),
    'source_format': KeySpec(None, '-', '-', "''", str),
    'mirrored': KeySpec(None, '-', '-', 'key absent: mirrored at random', bool),
    'random_key': KeySpec(None, '-', '-', 'key absent: no random transform may run', list),
}


def frame_axis(key: str) -> int | None:
    """Axis of the frames in a sample's array, counted from the end; ``None`` for keys without frames.

    Example:
        >>> frame_axis('keypoints'), frame_axis('frame_indices'), frame_axis('fps')
        (-3, -1, None)
    """
    axes = SAMPLE_KEYS[key].shape or ()
    return axes.index('T') - len(axes) if 'T' in axes else None


def check_sample(sample: dict[str, Any]) -> None:
    """Checks a sample against :data:`SAMPLE_KEYS`; for tests and ``check_dataset``.

    Args:
        sample: a sample dict between any two transforms.

    Raises:
        ValueError: an unknown key, a wrong type, an axis that disagrees with
            the same axis of another key, or numbers that are not finite.
    """
    sizes: dict[str, int] = {}
    for key, value in sample.items():
        spec = SAMPLE_KEYS.get(key)
        if spec is None:
            raise ValueError(f'unknown sample key {key!r}')
        if not isinstance(value, spec.kind):
            raise ValueError(f'{key} is {type(value).__name__}, expected {spec.kind}')
        if spec.shape is None:
            continue
        optional = spec.shape[0] == 'M?' and value.ndim < len(spec.shape)
        axes = spec.shape[1:] if optional else spec.shape
        if value.ndim != len(axes):
            raise ValueError(f'{key} has shape {value.shape}, expected {axes}')
        for axis, size in zip(axes, value.shape, strict=True):
            expected = axis if isinstance(axis, int) else sizes.setdefault(axis.rstrip('?'), size)
            if size != expected:
                raise ValueError(f'{key} has {size} on axis {axis}, expected {expected}')
        if value.dtype.kind == 'f' and key != 'keypoints' and not np.isfinite(value).all():
            raise ValueError(f'{key} has numbers that are not finite')

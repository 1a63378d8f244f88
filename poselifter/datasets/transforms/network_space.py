"""Transforms in network space: flips, 2D as label."""

from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import TRANSFORMS
from ...skeletons import flip_bone_rotations, flip_smpl_pose, get_skeleton
from ..clip_batch import ClipBatch
from .base import BatchTransform, next_rngs


@TRANSFORMS.register_module()
class FlipPose(BatchTransform):
    """Mirrors clips: x negated, left and right joints swapped, in 2D and 3D; the camera with them.

    A data set with ``mirrored_copies`` says which clips; otherwise it is drawn. A caption of a mirrored clip, an index,
    becomes -1 - index: that text with its sides swapped.

    Args:
        prob: probability, where it is drawn.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Mirrors ``inputs``, labels, poses of bodies, and the intrinsics in ``camera_param``."""
        listed = batch.metadata.get('mirrored')
        listed = listed or [rng.random() < self.prob for rng in next_rngs(batch)]
        chosen = np.flatnonzero(listed)
        for key, skeleton in (('inputs', 'skeleton'), ('target', 'skeleton_3d'), ('target_weight', 'skeleton_3d')):
            if key in batch.arrays:
                array, order = batch.arrays[key], get_skeleton(batch.metadata[skeleton][0]).flip_indices
                for index in chosen:  # clip by clip, which stays in the processor's cache
                    clip = array[index].take(order, -1 if key == 'target_weight' else -2)
                    if key != 'target_weight':
                        clip[..., 0] *= -1
                    array[index] = clip
        for key in ('smpl_pose', 'initial_pose'):
            if key in batch.arrays:
                batch.arrays[key][chosen] = flip_smpl_pose(batch.arrays[key][chosen])
        if 'body_rotations' in batch.arrays:
            batch.arrays['body_rotations'][chosen] = flip_bone_rotations(batch.arrays['body_rotations'][chosen])
        if 'captions' in batch.metadata:
            captions = zip(batch.metadata['captions'], listed, strict=True)
            batch.metadata['captions'] = [[-1 - text for text in ids] if yes else ids for ids, yes in captions]
        if 'camera_param' in batch.metadata:
            cameras = zip(batch.metadata['camera_param'], batch.metadata['img_shape'], listed, strict=True)
            batch.metadata['camera_param'] = [_mirrored(c, shape[1]) if yes else c for c, shape, yes in cameras]
        return batch


@TRANSFORMS.register_module()
class TargetFrom2D(BatchTransform):
    """The person's 2D as label, for clips without 3D (MotionBERT's pretraining); before noise and masks.

    ``target_2d`` is x and y of ``inputs`` relative to the root, and ``target_2d_weight`` the score, 0 in a frame
    without a root; a label in 3D is taken away.

    Raises:
        InputError: inputs have no score, or their joint set has no root.
    """

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Adds the label."""
        inputs, skeleton = batch.arrays['inputs'], get_skeleton(batch.metadata['skeleton'][0])
        root = skeleton.root
        if root is None or inputs.shape[-1] < 3:
            raise InputError(
                f'TargetFrom2D got {inputs.shape[-1]} channels of {skeleton.name}, expected x, y and score of a joint '
                f'set with a root; set confidence=True in the codec and convert keypoints to h36m17'
            )
        kept = {key: value for key, value in batch.arrays.items() if key not in ('target', 'target_weight')}
        target = inputs[..., :2] - inputs[..., root : root + 1, :2]
        weight = inputs[..., 2] * (inputs[..., root : root + 1, 2] > 0)
        return ClipBatch({**kept, 'target_2d': target, 'target_2d_weight': weight}, batch.metadata)


def _mirrored(camera: dict[str, Any], width: float) -> dict[str, Any]:
    """The camera whose normalised centre in x and first tangential coefficient are negated; its place is not."""
    (x, y), (p1, p2) = camera['centre'], camera.get('tangential', (0.0, 0.0))
    return {**camera, 'centre': [width - x, y], 'tangential': [-p1, p2]}

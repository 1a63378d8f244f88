"""Pixels in, pixels and relative depth out: MotionBERT's 2.5D space, and MotionAGFormer's for MPI-INF-3DHP."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import Camera, camera_to_image_space, normalize_screen
from ..geometry.arrays import Array, namespace
from ..light_registry import CODECS
from .root_relative import RootRelativeLifting

_MM = 1000.0
_BODY = 4.15  # metres, the bones of h36m17 in an adult 1.7 m tall


@CODECS.register_module()
class ImageSpaceLifting(RootRelativeLifting):
    """Keypoints with confidence in, MotionBERT's 2.5D image space out.

    Network space, with W and h the picture's width and height: inputs (T, J, 3) are 2 x / W - 1, 2 y / W - h / W and
    the confidence. Targets (T, K, 3) are the true joints' pixels mapped the same way and 2 / W times the depth relative
    to the root, in pixels (:func:`~poselifter.geometry.camera_to_image_space`). ``factor`` (mm per pixel, one number a
    frame) turns a prediction into metres; the perspective within the body is left out, as in the paper.

    The sample gives the image space as ``image_target`` and ``factor``, or ``lifting_target`` and ``camera_param`` to
    work them out. At test time ``factor`` must be packed (``PackPose(keys=...)``). Without any sample (people in the
    wild) a clip is scaled so that its bones sum to an average adult's.

    Source: MotionBERT's released program; MotionAGFormer and Motion2vec use it too.

    Args:
        root_relative: targets are relative to the root of their frame (``rootrel``); else only their depth is, to the
            root of the clip's first frame ("global").
        gt_2d: the input is the label's x and y with confidence 1.
        paste_2d: the input's x and y replace the predicted ones, as MotionBERT does where it tests with true 2D
            (MotionAGFormer does not); then ``keypoints`` must be packed too.
        **kwargs: ``skeleton``, ``skeleton_3d`` and ``fps`` of :class:`RootRelativeLifting`.

    Raises:
        InputError: an option for true 2D, but the joint sets differ.
    """

    def __init__(self, root_relative: bool = True, gt_2d: bool = False, paste_2d: bool = False, **kwargs: Any) -> None:
        super().__init__(confidence=True, window_box=False, unit='m', **kwargs)
        if (gt_2d or paste_2d) and self.skeleton != self.skeleton_3d:
            names = f'{self.skeleton.name} and {self.skeleton_3d.name}'
            raise InputError(f'ImageSpaceLifting: gt_2d and paste_2d need one joint set, found {names}')
        self.root_relative, self.gt_2d, self.paste_2d = root_relative, gt_2d, paste_2d

    def encode_arrays(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """See :class:`BaseCodec`; labels as the class says; also adds the image space and replaced keypoints."""
        root, added = self.skeleton_3d.root, {}
        if 'image_target' not in arrays and 'lifting_target' in arrays and metadata.get('camera_param', [None])[0]:
            poses = arrays['lifting_target']
            pairs = zip(poses if poses.ndim > 3 else poses[None], metadata['camera_param'], strict=True)
            drawn = [camera_to_image_space(pose, Camera.from_dict(camera), root) for pose, camera in pairs]
            image, factor = (np.stack(part).astype(np.float32) for part in zip(*drawn, strict=True))
            added = {'image_target': image.reshape(poses.shape), 'factor': factor.reshape(poses.shape[:-2])}
        image = {**arrays, **added}.get('image_target')
        if self.gt_2d and image is not None:
            added |= {'keypoints': image[..., :2], 'keypoints_visible': np.ones(image.shape[:-1], np.float32)}
        shown = {key: value for key, value in {**arrays, **added}.items() if key != 'lifting_target'}
        added |= super().encode_arrays(shown, metadata)
        if image is None:
            return added
        size = _sizes(metadata, image)
        if self.root_relative:
            origin = image[..., root : root + 1, :]
        else:
            depth = image[..., :1, root : root + 1, 2:]
            origin = np.concatenate([np.broadcast_to(size / 2, (*depth.shape[:-1], 2)), depth], -1)
        added['target'] = np.multiply(image - origin, 2 / size[..., :1], dtype=np.float32)
        added['target_weight'] = np.float32(arrays.get('lifting_target_visible', np.ones(image.shape[:-1])))
        return added

    def decode(self, prediction: Array, sample: Any = None, frames: Any = None, zero_root: bool = True) -> Array:
        """See :class:`BaseCodec`."""
        root, poses = self.skeleton_3d.root, prediction * 1  # a copy
        if self.root_relative and zero_root:
            poses[..., root, :] = 0
        if sample is not None and self.paste_2d:
            height, width = sample.img_shape
            poses[..., :2] = normalize_screen(self._of(sample, 'keypoints', frames), width, height).to(poses)
        if not self.root_relative or self.paste_2d:
            poses = poses - poses[..., root : root + 1, :]
        if sample is None:  # the body is taken to be of average size
            parents, children = (list(ends) for ends in zip(*self.skeleton_3d.bones, strict=True))
            bones = poses[..., children, :] - poses[..., parents, :]
            lengths = sorted(namespace(poses).sqrt((bones**2).sum(-1)).sum(-1).tolist())
            return poses * (_BODY / max(lengths[(len(lengths) - 1) // 2], 1e-6))
        factor = self._of(sample, 'factor', frames).to(poses)
        return poses * (factor * (sample.img_shape[1] / 2 / _MM))[:, None, None]

    @staticmethod
    def _of(sample: Any, key: str, frames: Any) -> Array:
        if key not in sample:
            raise InputError(
                f'{sample.get("sequence", "the sample")} has no {key}, which ImageSpaceLifting decodes with; '
                f'add it to the keys of PackPose, or use a data set that has it'
            )
        values = sample.get(key)
        return values if frames is None else values[frames.to(values.device)]


@CODECS.register_module()
class ScreenScaledLifting(RootRelativeLifting):
    """Millimetres scaled as pixels are, by 2 / width: MotionAGFormer's space for MPI-INF-3DHP.

    Inputs are as :class:`RootRelativeLifting` makes them, with confidence.
    Targets are millimetres relative to the root, times 2 / width of the picture.

    Args:
        skeleton, skeleton_3d, fps: see :class:`BaseCodec`.
        width: of the picture where it is not known, pixels; the training data's.
    """

    def __init__(
        self, skeleton: str = 'mpi_inf_3dhp17', skeleton_3d: str = 'mpi_inf_3dhp17', fps: float = 25, width: int = 2048
    ) -> None:
        super().__init__(confidence=True, unit='mm', skeleton=skeleton, skeleton_3d=skeleton_3d, fps=fps)
        self.width = width

    def encode_arrays(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """See :class:`BaseCodec`."""
        encoded = super().encode_arrays(arrays, metadata)
        if 'target' in encoded:
            encoded['target'] = encoded['target'] * (2 / _sizes(metadata, encoded['target'])[..., :1])
        return encoded

    def decode(self, prediction: Array, sample: Any = None, frames: Any = None, zero_root: bool = True) -> Array:
        """See :class:`BaseCodec`."""
        width = self.width if sample is None else sample.img_shape[1]
        return super().decode(prediction * (width / 2), sample, frames, zero_root)


def _sizes(metadata: Mapping[str, Sequence[Any]], poses: np.ndarray) -> np.ndarray:
    """(width, height) of the pictures, (1, 1, 2) for poses (T, K, 3), or (B, 1, 1, 2) for (B, T, K, 3)."""
    sizes = np.asarray(metadata['img_shape'], np.float32)[:, None, None, ::-1]
    return sizes if poses.ndim > 3 else sizes[0]

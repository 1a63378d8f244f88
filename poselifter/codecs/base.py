"""The base of codecs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.arrays import Array
from ..skeletons import Skeleton, get_skeleton

_METADATA = ('skeleton', 'skeleton_3d', 'img_shape', 'camera_param')


class BaseCodec(ABC):
    """Camera space to network space before the model, and back after it.

    Args:
        skeleton: joint set of the 2D input.
        skeleton_3d: joint set of the 3D output; ``None`` without one.
        fps: frame rate that the model is trained at; ``None`` where clips of any rate are resampled to one length.
        result_skeleton: joint set that lifted poses are converted to for the user; ``None`` means ``skeleton_3d``.

    Attributes:
        skeleton, skeleton_3d: the joint sets themselves.
        channels: C that the backbone sees.
        several_persons: whether inputs have an axis of persons.
        unit: of the network's output, ``'m'`` or ``'mm'``; ``None`` where nothing is decoded.
        window_box: whether :meth:`normalize_window` measures the window.
    """

    channels: int
    several_persons: bool = False
    unit: str | None = None
    window_box: bool = False

    def __init__(
        self,
        skeleton: str = 'h36m17',
        skeleton_3d: str | None = 'h36m17',
        fps: float | None = 50,
        result_skeleton: str | None = None,
    ) -> None:
        self.skeleton: Skeleton = get_skeleton(skeleton)
        self.skeleton_3d: Skeleton | None = get_skeleton(skeleton_3d) if skeleton_3d else None
        self.result_skeleton: Skeleton | None = get_skeleton(result_skeleton) if result_skeleton else self.skeleton_3d
        self.fps: float | None = fps

    def encode(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The sample with the network's arrays added, see :meth:`encode_arrays`.

        Args:
            sample: of one clip, with ``keypoints`` and so on.

        Raises:
            InputError: the sample's joint sets are not this codec's.
        """
        return {**sample, **self.encode_arrays(sample, {key: [sample.get(key)] for key in _METADATA})}

    @abstractmethod
    def encode_arrays(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The network's arrays of one sample or a batch.

        Args:
            arrays: ``keypoints`` (T, J, 2) pixels, ``keypoints_visible`` (T, J), and perhaps ``lifting_target`` (T, K,
                3) metres and ``lifting_target_visible`` (T, K); of a batch (B, T, J, 2) and so on.
            metadata: one value a sample of ``img_shape``, ``skeleton``, ``skeleton_3d``, ``camera_param``.

        Returns:
            New arrays: ``inputs`` and, where labels exist, ``target`` and ``target_weight``.

        Raises:
            InputError: the joint sets are not this codec's.
        """

    def normalize_window(self, inputs: Array, hidden: Array | None = None) -> Array:
        """Normalisation by the whole window; the estimator calls it for training and testing alike.

        Args:
            inputs: (B, T, J, C) as :meth:`encode` made them.
            hidden: (B, T, J) bool, joints that have no part in what is measured; they are mapped like the others.

        Returns:
            (B, T, J, ``channels``); here the inputs as they are.
        """
        return inputs

    def decode(self, prediction: Array, sample: Any = None, frames: Any = None, zero_root: bool = True) -> Array:
        """Network output to metres in camera axes.

        Args:
            prediction: (P, K, 3) in network space.
            sample: :class:`MotionDataSample` of the sequence; ``None`` for people of whom nothing is known.
            frames: (P,) which of its frames are predicted; ``None`` means all.
            zero_root: put the root at exactly zero; some papers score it as predicted.

        Returns:
            (P, K, 3) metres, root-relative.

        Raises:
            InputError: the sample lacks what the codec decodes with, or the codec has nothing to decode.
        """
        raise InputError(f'{type(self).__name__} decodes no poses; take a lifting codec for a model that lifts')

    def check_skeletons(self, metadata: Mapping[str, Sequence[Any]]) -> None:
        """Holds samples to the codec's joint sets.

        Raises:
            InputError: a sample has another one.
        """
        for key, expected in (('skeleton', self.skeleton), ('skeleton_3d', self.skeleton_3d)):
            names = set(metadata.get(key, ())) - {None, expected.name} if expected else ()
            for name in names:
                raise InputError(
                    f'the codec expects {key} {expected.name!r}, the sample has {name!r}; '
                    f'convert it (poselifter.skeletons.convert_keypoints) or set {key} in the codec'
                )

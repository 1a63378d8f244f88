"""An estimator that learns from some of the frames and predicts with all."""

from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...registry import MODELS
from ...structures import MotionDataSample
from ..parts import Tensors
from .motion_estimator import MotionEstimator


@MODELS.register_module()
class SparseFramesEstimator(MotionEstimator):
    """A :class:`MotionEstimator` that is trained on every n-th frame of a window, from a random one on.

    Neighbouring frames tell nearly the same, so the same time shows n times as many windows. The network's temporal
    attention sees fewer tokens than in prediction; a last phase with ``frame_step=1`` takes it to all frames.

    Args:
        frame_step: n.
        **kwargs: see :class:`MotionEstimator`; the backbone adds its positions of frames by ``frame_embedding``.

    Raises:
        InputError: ``frame_step`` is no number of frames.
    """

    def __init__(self, frame_step: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if frame_step not in range(1, self.backbone.num_frames + 1):
            raise InputError(f'frame_step is {frame_step}, expected a number of frames within a window')
        self.frame_step = frame_step
        self.shown = slice(None)

    def extract_feat(self, inputs: Tensor, valid: Tensor | None = None) -> Tensors:
        """See :class:`MotionEstimator`; in training of the frames that are shown."""
        if not self.training:
            return super().extract_feat(inputs, valid)
        clips = self.codec.normalize_window(inputs.flatten(0, -4))
        self.shown = slice(int(torch.randint(self.frame_step, ())), None, self.frame_step)
        self.backbone.frame_embedding.places = self.shown
        try:
            return self.features(clips[:, self.shown], valid if valid is None else valid[:, self.shown])
        finally:
            self.backbone.frame_embedding.places = slice(None)

    def labels_of(self, name: str, data_samples: MotionDataSample) -> MotionDataSample:
        """See :class:`MotionEstimator`; of the frames that are shown."""
        chosen = data_samples.clone()
        keys = ('target', 'target_weight')
        chosen.set_data({key: data_samples.get(key)[:, self.shown] for key in keys if key in data_samples})
        return chosen

"""The head that aligns clips with texts."""

from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from ...registry import HEADS
from ...structures import MotionDataSample
from ..losses import focal_kl_contrastive
from ..parts import BaseHead, BaseNeck, Tensors, build_part


@HEADS.register_module()
class TextMotionHead(BaseHead):
    """Contrasts the class token of a clip with its true texts and sampled others (ActionPose, equation 1).

    One direction by default, clip to texts; each clip has a separate list of texts. Samples bring ``text_features`` (n,
    text_channels) of the batch's texts, each once; for the loss ``text_table`` (B, K + 1) int64, rows of these, and
    ``text_target`` (B, K + 1): 1 / m for a clip's m true texts, else 0.

    Args:
        in_channels: D of the token.
        text_channels: channels of the text encoder.
        num_joints: J.
        embed_dims: E of the common space.
        pose_pool: config of the neck (B, 1, J, D) -> (B, E); gets the sizes above, as does ``text_pool``.
        text_pool: config of the neck (n, text_channels) -> (n, E).
        temperature: similarities are divided by it.
        gamma: exponent of the loss's focal factor.
        soft_targets: ``'text'`` spreads each true text over the clip's list by a softmax of the texts' cosines, divided
            by ``temperature``; the cosines are of the encoder's features, without gradient.
        symmetric: also contrast each true text of the batch with the batch's clips, half and half.
        loss_weight: of the alignment beside the losses of the poses; with 0 nothing is aligned.
        **base: see :class:`BaseHead`.

    Raises:
        InputError: ``soft_targets`` is unknown.
    """

    wants = ('in_channels', 'text_channels', 'num_joints')
    reads, label = 'clip', 'text_target'
    predicts = ('pred_scores',)
    needs = ('text_features',)

    def __init__(
        self,
        in_channels: int = 512,
        text_channels: int = 768,
        num_joints: int = 17,
        embed_dims: int = 256,
        pose_pool: dict | None = None,
        text_pool: dict | None = None,
        temperature: float = 0.1,
        gamma: float = 2.0,
        soft_targets: Literal['text'] | None = None,
        symmetric: bool = False,
        loss_weight: float = 1.0,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        if soft_targets not in (None, 'text'):
            raise InputError(f"soft_targets is {soft_targets!r}, expected None or 'text'")
        sizes = {'in_channels': in_channels, 'num_joints': num_joints, 'embed_dims': embed_dims}
        self.pose_pool = build_part(pose_pool or {'type': 'ClassTokenPool'}, BaseNeck, sizes)
        sizes['in_channels'] = text_channels
        self.text_pool = build_part(text_pool or {'type': 'TextPool'}, BaseNeck, sizes)
        self.temperature, self.gamma, self.soft_targets = temperature, gamma, soft_targets
        self.symmetric, self.loss_weight = symmetric, loss_weight

    def similarity(self, token: Tensor, text_features: Tensor) -> Tensor:
        """Tokens (B, 1, J, D) and text features (n, text_channels) to (B, n), cosines where the pools normalise."""
        return self.pose_pool(token) @ self.text_pool(text_features).T

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Probabilities (B, n) of the texts for each clip of tokens (B, 1, J, D), which sum to 1."""
        return {'pred_scores': (self.similarity(features, data_samples.text_features) / self.temperature).softmax(-1)}

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """``loss_contrastive`` of each clip's token (B, 1, J, D) over its K + 1 texts, averaged over clips."""
        texts, table, target = (data_samples.get(f'text_{key}') for key in ('features', 'table', 'target'))
        everything = self.similarity(features, texts) / self.temperature
        similarity = everything.gather(1, table)
        if self.soft_targets == 'text':
            directions = F.normalize(texts.detach(), dim=-1)[table]
            cosines = directions @ directions.transpose(1, 2)
            target = (target[:, None] @ (cosines / self.temperature).softmax(-1))[:, 0]
        loss = focal_kl_contrastive(similarity, target, gamma=self.gamma)
        if self.symmetric:
            clips = target.new_zeros(everything.shape).scatter_add(1, table, target).T  # of each text
            true = clips.sum(1) > 0
            clips = clips[true] / clips[true].sum(1, keepdim=True)
            loss = (loss + focal_kl_contrastive(everything.T[true], clips, gamma=self.gamma)) / 2
        return {'loss_contrastive': self.loss_weight * loss}

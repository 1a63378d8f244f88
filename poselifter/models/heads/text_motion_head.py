"""The head that aligns clips with texts."""

from typing import Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule

from ...errors import InputError
from ...registry import HEADS, NECKS
from ..losses import focal_kl_contrastive


@HEADS.register_module()
class TextMotionHead(BaseModule):
    """Contrasts the class token of a clip with its true texts and sampled others (ActionPose, equation 1).

    One direction, clip to texts; each clip has a list of texts of its own.

    Args:
        in_channels: D of the token.
        text_channels: channels of the text encoder.
        num_joints: J.
        embed_dims: E of the common space.
        pose_pool: config of the neck (B, 1, J, D) -> (B, E); gets the sizes
            above, as does ``text_pool``.
        text_pool: config of the neck (n, text_channels) -> (n, E).
        temperature: similarities are divided by it.
        gamma: exponent of the loss's focal factor.
        soft_targets: ``'text'`` spreads each true text over the clip's list by
            a softmax of the texts' cosines, divided by ``temperature``; the
            cosines are of the encoder's features, without gradient.
        init_cfg: see mmengine.

    Raises:
        InputError: ``soft_targets`` is unknown.
    """

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
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if soft_targets not in (None, 'text'):
            raise InputError(f"soft_targets is {soft_targets!r}, expected None or 'text'")
        sizes = {'in_channels': in_channels, 'num_joints': num_joints, 'embed_dims': embed_dims}
        self.pose_pool = NECKS.build({**sizes, **(pose_pool or {'type': 'ClassTokenPool'})})
        sizes = {'in_channels': text_channels, 'embed_dims': embed_dims}
        self.text_pool = NECKS.build({**sizes, **(text_pool or {'type': 'TextPool'})})
        self.temperature, self.gamma, self.soft_targets = temperature, gamma, soft_targets

    def similarity(self, token: torch.Tensor, text_features: torch.Tensor) -> torch.Tensor:
        """Tokens (B, 1, J, D) and text features (n, text_channels) to (B, n), cosines where the pools normalise."""
        return self.pose_pool(token) @ self.text_pool(text_features).T

    def predict(self, token: torch.Tensor, text_features: torch.Tensor) -> torch.Tensor:
        """Shares (B, n) of the texts for each clip, which sum to 1; arguments as :meth:`similarity`."""
        return (self.similarity(token, text_features) / self.temperature).softmax(-1)

    def loss(
        self, token: torch.Tensor, text_features: torch.Tensor, table: torch.Tensor, target: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The loss of each clip over its own K + 1 texts, averaged over clips.

        Args:
            token: (B, 1, J, D).
            text_features: (n, text_channels) of the batch's texts, each once.
            table: (B, K + 1) int64, rows of ``text_features``.
            target: (B, K + 1): 1 / m for a clip's m true texts, else 0.

        Returns:
            ``loss_contrastive``, 0-dim.

        Raises:
            InputError: the shapes do not fit together.
        """
        if table.shape != target.shape or table.ndim != 2 or len(table) != len(token):
            raise InputError(
                f'TextMotionHead got {len(token)} clips, table {tuple(table.shape)} and target {tuple(target.shape)}; '
                f'expected both (B, K + 1) for B clips'
            )
        similarity = self.similarity(token, text_features).gather(1, table) / self.temperature
        if self.soft_targets == 'text':
            texts = F.normalize(text_features.detach(), dim=-1)[table]
            cosines = texts @ texts.transpose(1, 2)
            target = (target[:, None] @ (cosines / self.temperature).softmax(-1))[:, 0]
        return {'loss_contrastive': focal_kl_contrastive(similarity, target, gamma=self.gamma)}

"""Heads for clips of one or more persons: action classes, and embeddings for one-shot recognition."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import HEADS
from ...structures import MotionDataSample
from ..losses import supervised_contrastive
from ..parts import BaseHead, Tensors


class ClipHead(BaseHead):
    """Dropout, mean over frames, joints laid out as channels, mean over persons (MotionBERT, as released).

    Args:
        in_channels: D of the features.
        num_joints: J.
        hidden_dims: channels of the linear map ``fc1`` that reads them.
        dropout: rate on the features of every frame.
        official: also average over empty person slots, as released.
        **base: see :class:`BaseHead`.
    """

    wants = ('in_channels', 'num_joints')
    reads, label = 'clip', 'action'

    def __init__(
        self,
        in_channels: int,
        num_joints: int = 17,
        hidden_dims: int = 2048,
        dropout: float = 0.1,
        official: bool = False,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.official = official
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(num_joints * in_channels, hidden_dims)

    def pool(self, features: Tensor, present: Tensor | None = None) -> Tensor:
        """Features of a clip.

        Args:
            features: (N, M, T, J, D).
            present: (N, M) bool, False for empty person slots, which count with
                ``official`` only; ``None``: all are present.

        Returns:
            (N, J * D), joint by joint.
        """
        pooled = self.dropout(features).mean(2).flatten(2)
        if present is None or self.official:
            return pooled.mean(1)
        weight = present.to(pooled).unsqueeze(-1)
        return (pooled * weight).sum(1) / weight.sum(1).clamp(min=1)

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Output of ``forward`` for the persons who are ``present``."""
        return {self.predicts[0]: self(features, None if data_samples is None else data_samples.get('present'))}


@HEADS.register_module()
class ActionHead(ClipHead):
    """Classes of actions: a perceptron with a batch norm (MotionBERT, section 3.4; 2048 hidden channels as released).

    Args:
        in_channels: of the features.
        **clip: see :class:`ClipHead`.
        num_classes: number of classes.
        dropout: see :class:`ClipHead`.
    """

    predicts = ('pred_scores',)

    def __init__(self, in_channels: int, num_classes: int = 60, dropout: float = 0.5, **clip: Any) -> None:
        super().__init__(in_channels, dropout=dropout, **clip)
        self.num_classes = num_classes
        self.bn = nn.BatchNorm1d(self.fc1.out_features)
        self.fc2 = nn.Linear(self.fc1.out_features, num_classes)

    def forward(self, features: Tensor, present: Tensor | None = None) -> Tensor:
        """Features (N, M, T, J, D) to logits (N, classes); ``present`` as in :meth:`ClipHead.pool`."""
        return self.fc2(F.relu(self.bn(self.fc1(self.pool(features, present)))))

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Probabilities (N, classes)."""
        return {key: logits.softmax(-1) for key, logits in super().predict(features, data_samples).items()}

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Cross entropy against ``action`` (N,); clips whose class is not known (-1) do not count."""
        logits, action = self(features, data_samples.get('present')), data_samples.action
        total = F.cross_entropy(logits, action, ignore_index=-1, reduction='sum')
        return {'loss_action': total / (action >= 0).sum().clamp(min=1)}


@HEADS.register_module()
class ActionEmbeddingHead(ClipHead):
    """Unit vectors in which clips of one class lie close (MotionBERT, section 4.4, one-shot recognition).

    Args:
        in_channels: of the features.
        **clip: see :class:`ClipHead`.
        temperature: of the supervised contrastive loss.
    """

    predicts = ('pred_embedding',)

    def __init__(self, in_channels: int, temperature: float = 0.1, **clip: Any) -> None:
        super().__init__(in_channels, **clip)
        self.temperature = temperature

    def forward(self, features: Tensor, present: Tensor | None = None) -> Tensor:
        """Features (N, M, T, J, D) to unit vectors (N, hidden_dims); ``present`` as in :meth:`ClipHead.pool`."""
        return F.normalize(self.fc1(self.pool(features, present)), dim=-1)

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Supervised contrastive loss by ``action`` (N,); clips whose class is not known (-1) do not count."""
        known = data_samples.action >= 0
        embedding = self(features, data_samples.get('present')).unsqueeze(1)[known]
        loss = supervised_contrastive(embedding, data_samples.action[known], temperature=self.temperature)
        return {'loss_contrastive': loss}

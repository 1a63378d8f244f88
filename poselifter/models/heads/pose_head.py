"""The head that lifts: one 3D point for every token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import nn

from ...errors import InputError
from ...registry import HEADS, LOSSES
from ...structures import MotionDataSample


@HEADS.register_module()
class PoseHead(BaseModule):
    """A linear map of the features, perhaps normalised before, in the network space of the codec.

    Args:
        in_channels: D of the features.
        out_channels: channels of a joint.
        norm: whether a LayerNorm (eps 1e-5) comes first, as MixSTE has it.
        init_std: standard deviation of the normal distribution, cut at 2, that
            the weight starts from, with bias 0, as MotionBERT has it (0.02);
            ``None`` means torch's default.
        losses: configs of losses of different types; each adds
            ``loss_<its name>``.
        init_cfg: see mmengine.

    Raises:
        InputError: two losses have the same name.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        norm: bool = False,
        init_std: float | None = None,
        losses: Sequence[dict] = ({'type': 'MPJPELoss'},),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.norm = nn.LayerNorm(in_channels) if norm else nn.Identity()
        self.linear = nn.Linear(in_channels, out_channels)
        if init_std is not None:
            nn.init.trunc_normal_(self.linear.weight, std=init_std)
            nn.init.zeros_(self.linear.bias)
        self.losses = nn.ModuleList(LOSSES.build(cfg) for cfg in losses)
        names = [loss.name for loss in self.losses]
        if len(set(names)) < len(names):
            raise InputError(f'PoseHead got the losses {names}, expected each once; sum their loss_weight into one')

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, T, J, D) to poses (B, T, J, out_channels)."""
        return self.linear(self.norm(features))

    def predict(self, features: torch.Tensor) -> torch.Tensor:
        """The same at test time; the codec decodes it."""
        return self(features)

    def loss(self, features: torch.Tensor, data_samples: MotionDataSample) -> dict[str, torch.Tensor]:
        """Losses against ``target`` (B, T, J, 3) with weights ``target_weight`` (B, T, J).

        Args:
            features: (B, T, J, D).
            data_samples: one stacked sample; without ``target_weight`` every
                label counts.

        Returns:
            One 0-dim tensor per loss.
        """
        pred = self(features)
        weight = data_samples.get('target_weight')
        return {f'loss_{loss.name}': loss(pred, data_samples.target, weight) for loss in self.losses}

"""The head that lifts: one 3D point for every token, or all points of a frame from its token."""

from collections.abc import Sequence
from typing import Literal

import torch
from mmengine.model import BaseModule
from torch import nn

from ...errors import InputError
from ...registry import HEADS, LOSSES
from ...structures import MotionDataSample


class TokenNorm(nn.BatchNorm1d):
    """Batch norm of the channels over clips, frames and tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, J, D) -> (B, T, J, D)."""
        return super().forward(x.flatten(0, -2)).view_as(x)


@HEADS.register_module()
class PoseHead(BaseModule):
    """A linear map of the features, perhaps normalised before, in the network space of the codec.

    Args:
        in_channels: D of the features.
        out_channels: channels of a joint.
        num_joints: K, where a frame is one token, whose map then gives all
            joints; ``None`` where every joint is a token.
        norm: what comes first: ``'layer'`` (or ``True``), a LayerNorm of eps
            1e-5, as MixSTE and PoseFormer have it; ``'batch'``, a BatchNorm, as
            P-STMO has it; ``False``, nothing.
        init_std: standard deviation of the normal distribution, cut at 2, that
            the weight starts from, with bias 0, as MotionBERT has it (0.02);
            ``None`` means torch's default.
        feature: which of the neck's results it reads, where there are several.
        losses: configs of losses of different types; each adds
            ``loss_<its name>``.
        init_cfg: see mmengine.

    Raises:
        InputError: two losses have the same name, or ``norm`` is unknown.
    """

    predicts = ('pred_keypoints_3d',)
    reads = 'frames'

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        num_joints: int | None = None,
        norm: bool | Literal['layer', 'batch'] = False,
        init_std: float | None = None,
        feature: str = 'features',
        losses: Sequence[dict] = ({'type': 'MPJPELoss'},),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norms = {False: nn.Identity, True: nn.LayerNorm, 'layer': nn.LayerNorm, 'batch': TokenNorm}
        if norm not in norms:
            raise InputError(f"PoseHead: norm is {norm!r}, expected 'layer', 'batch' or False")
        self.num_joints, self.feature = num_joints, feature
        self.norm = norms[norm](in_channels)
        self.linear = nn.Linear(in_channels, out_channels * (num_joints or 1))
        if init_std is not None:
            nn.init.trunc_normal_(self.linear.weight, std=init_std)
            nn.init.zeros_(self.linear.bias)
        self.losses = nn.ModuleList(LOSSES.build(cfg) for cfg in losses)
        names = [loss.name for loss in self.losses]
        if len(set(names)) < len(names):
            raise InputError(f'PoseHead got the losses {names}, expected each once; sum their loss_weight into one')

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, T, J, D), or (B, T, 1, D) with ``num_joints``, to poses (B, T, K, out_channels)."""
        poses = self.linear(self.norm(features))
        return poses.view(*poses.shape[:2], self.num_joints, -1) if self.num_joints else poses

    def predict(self, features: torch.Tensor) -> torch.Tensor:
        """The same at test time; the codec decodes it."""
        return self(features)

    def loss(self, features: torch.Tensor, data_samples: MotionDataSample) -> dict[str, torch.Tensor]:
        """Losses against ``target`` (B, T, K, 3) with weights ``target_weight`` (B, T, K).

        Args:
            features: see :meth:`forward`.
            data_samples: one stacked sample of the frames that the features
                stand for; without ``target_weight`` every label counts.

        Returns:
            One 0-dim tensor per loss.
        """
        pred = self(features)
        weight = data_samples.get('target_weight')
        return {f'loss_{loss.name}': loss(pred, data_samples.target, weight) for loss in self.losses}

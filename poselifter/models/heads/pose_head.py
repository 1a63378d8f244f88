"""The lifting head: one 3D point for every token, or all points of a frame from its token."""

from typing import Any, Literal

from torch import Tensor, nn

from ...errors import InputError
from ...registry import HEADS
from ..parts import BaseHead


class TokenNorm(nn.BatchNorm1d):
    """Batch norm of the channels over clips, frames and tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, D) -> (B, T, J, D)."""
        return super().forward(x.flatten(0, -2)).view_as(x)


@HEADS.register_module()
class PoseHead(BaseHead):
    """A linear map of the features, optionally normalised before, to the network space of the codec.

    Args:
        in_channels: D of the features.
        out_channels: channels of a joint.
        num_joints: K, where a frame is one token, whose map then gives all
            joints; ``None`` where every joint is a token.
        norm: what comes first: ``'layer'`` (or ``True``), a LayerNorm of eps 1e-5, as MixSTE and PoseFormer have it;
            ``'batch'``, a BatchNorm, as P-STMO has it; ``False``, nothing.
        init_std: standard deviation of the normal distribution, cut at 2, that the weight starts from, with bias 0, as
            MotionBERT has it (0.02); ``None`` means torch's default.
        **base: see :class:`BaseHead`.

    Raises:
        InputError: two losses have the same name, or ``norm`` is unknown.
    """

    default_losses = ({'type': 'MPJPELoss'},)

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        num_joints: int | None = None,
        norm: bool | Literal['layer', 'batch'] = False,
        init_std: float | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        norms = {False: nn.Identity, True: nn.LayerNorm, 'layer': nn.LayerNorm, 'batch': TokenNorm}
        if norm not in norms:
            raise InputError(f"PoseHead: norm is {norm!r}, expected 'layer', 'batch' or False")
        self.num_joints = num_joints
        self.norm = norms[norm](in_channels)
        self.linear = nn.Linear(in_channels, out_channels * (num_joints or 1))
        if init_std is not None:
            nn.init.trunc_normal_(self.linear.weight, std=init_std)
            nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, T, J, D), or (B, T, 1, D) with ``num_joints``, to poses (B, T, K, out_channels)."""
        poses = self.linear(self.norm(features))
        return poses.view(*poses.shape[:2], self.num_joints, -1) if self.num_joints else poses

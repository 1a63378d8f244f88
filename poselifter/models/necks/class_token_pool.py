"""Pools that bring poses and texts into one space (ActionPose, "late fusion")."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import NECKS
from ..parts import BaseNeck


def _hidden(in_channels: int, hidden_dims: int, drop_rate: float = 0.0) -> nn.Sequential:
    linear, norm = nn.Linear(in_channels, hidden_dims), nn.LayerNorm(hidden_dims)
    return nn.Sequential(linear, nn.GELU(), norm, nn.Dropout(drop_rate))


class Pool(BaseNeck):
    """Base of pools: optional centring and normalisation in the common space.

    Args:
        embed_dims: E of the common space.
        normalize: whether the result has length 1.
        centre: batch norm of the result before that. A small network that starts from nothing gives all clips nearly
            the same vector; without it the contrast stays where every text is as likely.
    """

    def __init__(self, embed_dims: int, normalize: bool = True, centre: bool = False) -> None:
        super().__init__(embed_dims)
        self.normalize = normalize
        self.centre = nn.BatchNorm1d(embed_dims, affine=False) if centre else nn.Identity()

    def place(self, h: Tensor) -> Tensor:
        """Vectors (n, E) centred and normalised as configured."""
        h = self.centre(h)
        return F.normalize(h, dim=-1) if self.normalize else h


@NECKS.register_module()
class ClassTokenPool(Pool):
    """A clip's class token to one vector: an MLP, a learned weighted sum over joints, an MLP.

    The sum starts as the mean. The paper fixes the order of the layers, not their sizes.

    Args:
        in_channels: D of the token.
        num_joints: J.
        hidden_dims: channels between the layers.
        embed_dims: E of the common space.
        drop_rate: dropout before the sum.
        **pool: see :class:`Pool`.
    """

    wants = ('in_channels', 'num_joints', 'embed_dims')

    def __init__(
        self,
        in_channels: int = 512,
        num_joints: int = 17,
        hidden_dims: int = 512,
        embed_dims: int = 256,
        drop_rate: float = 0.1,
        **pool: Any,
    ) -> None:
        super().__init__(embed_dims, **pool)
        self.joint_mlp = _hidden(in_channels, hidden_dims, drop_rate)
        self.joint_sum = nn.Linear(num_joints, 1, bias=False)
        nn.init.constant_(self.joint_sum.weight, 1 / num_joints)
        self.mlp = nn.Sequential(_hidden(hidden_dims, hidden_dims), nn.Linear(hidden_dims, embed_dims))

    def forward(self, token: Tensor) -> Tensor:
        """(B, 1, J, D) -> (B, E)."""
        return self.place(self.mlp(self.joint_sum(self.joint_mlp(token).transpose(-1, -2)).flatten(1)))


@NECKS.register_module()
class TextPool(Pool):
    """Features of texts to the space of :class:`ClassTokenPool`, by an MLP; same arguments."""

    wants = ('in_channels', 'embed_dims')

    def __init__(
        self, in_channels: int = 768, hidden_dims: int = 512, embed_dims: int = 256, drop_rate: float = 0.1, **pool: Any
    ) -> None:
        super().__init__(embed_dims, **pool)
        self.mlp = nn.Sequential(_hidden(in_channels, hidden_dims, drop_rate), nn.Linear(hidden_dims, embed_dims))

    def forward(self, features: Tensor) -> Tensor:
        """(n, in_channels) -> (n, E)."""
        return self.place(self.mlp(features))

"""The two-layer perceptron of a transformer block."""

from collections.abc import Callable

from torch import Tensor, nn

from ...utils.fast_products import Activation, linear_with

_ACTIVATIONS: dict[type, Activation] = {nn.GELU: 'gelu', nn.ReLU: 'relu'}


class Mlp(nn.Module):
    """Linear, activation, dropout, linear, dropout, on the last axis.

    Args:
        dim: D, channels that come in and go out.
        hidden_dims: channels between the layers.
        act_layer: class of the activation; the default is the exact (erf) GELU.
        drop: dropout rate after both layers.
    """

    def __init__(
        self, dim: int, hidden_dims: int, act_layer: Callable[[], nn.Module] = nn.GELU, drop: float = 0.0
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dims)
        self.act = act_layer()
        self.fc2 = nn.Linear(hidden_dims, dim)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return self.drop(self.fc2(self.drop(self._hidden(x))))

    def _hidden(self, x: Tensor) -> Tensor:
        activation = _ACTIVATIONS.get(type(self.act))  # one operation, where that is faster
        return linear_with(x, self.fc1.weight, self.fc1.bias, activation) if activation else self.act(self.fc1(x))


class SymSum(nn.Module):
    """Positive part plus the negative part moved by half of the frames, an activation MotionAGFormer offers.

    For an odd number of frames the direction of the move is from memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, ...) -> (B, T, ...)."""
        return x.clamp(min=0) + x.clamp(max=0).roll(-(x.shape[1] // 2), 1)

"""The nearest rotation of tensors, with its gradient."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .procrustes import singular_rotation


class NearestRotation(torch.autograd.Function):
    """The derivative in closed form: autograd's, through the SVD, is NaN where two singular values are equal.

    With matrix = R P, P symmetric with eigenvalues s in the basis V: R.T dR = W is skew and W P + P W = R.T dM - dM.T
    R, so in that basis W_ij = (R.T dM - dM.T R)_ij / (s_i + s_j).
    """

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor) -> torch.Tensor:
        rotation, values, vh = singular_rotation(matrix)
        ctx.save_for_backward(rotation, values, vh)
        return rotation

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        rotation, values, vh = ctx.saved_tensors
        sums = values[..., :, None] + values[..., None, :]
        determined = sums > 64 * torch.finfo(values.dtype).eps * values[..., :1, None]
        inner = vh @ rotation.mT @ grad @ vh.mT
        inner = torch.where(determined, inner / torch.where(determined, sums, torch.ones_like(sums)), 0)
        outer = vh.mT @ inner @ vh
        return rotation @ (outer - outer.mT)

"""Self-distillation: a student predicts the mean of a teacher's layers (Motion2vec, after data2vec)."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from .functional import _labels, _mean

_NORMS = ('none', 'layers', 'final', 'both')


def self_distillation(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference of features, over the square root of their width.

    Args:
        pred: (..., C) features of the student.
        target: (..., C), of the teacher; no gradient is stopped here.
        weight: (...), 1 at the places that count (the masked ones), 0 elsewhere; all if ``None``.

    Returns:
        0-dim tensor; 0 where no place counts.

    Raises:
        InputError: shapes disagree.

    Source: Baevski et al., "data2vec" (ICML 2022), equation 3; Motion2vec's ``d2v_loss``.
    """
    target = _labels(pred, target, weight)
    return pred.shape[-1] ** -0.5 * _mean((pred - target).square().mean(-1), weight)


def context_targets(layers: Sequence[Tensor] | Tensor, top_k: int, norm: str = 'none') -> Tensor:
    """The mean of a teacher's last layers, as the target of :func:`self_distillation`.

    Norms are over the channels, without learned scale, eps 1e-5.

    Args:
        layers: outputs (..., C) of the layers, the first layer first.
        top_k: how many of the last layers to take.
        norm: ``'none'`` (released); ``'layers'``: each layer before the mean;
            ``'final'``: the mean; ``'both'``: both, as the paper.

    Returns:
        (..., C).

    Raises:
        InputError: fewer layers are given, or the norm is unknown.
    """
    if not 1 <= top_k <= len(layers) or norm not in _NORMS:
        raise InputError(
            f'context_targets got top_k {top_k} of {len(layers)} layers and norm {norm!r}; expected top_k from 1 to '
            f'the number of layers and a norm of {", ".join(_NORMS)}'
        )
    chosen = [F.layer_norm(x, x.shape[-1:]) if norm in ('layers', 'both') else x for x in layers[-top_k:]]
    mean = sum(chosen) / top_k
    return F.layer_norm(mean, mean.shape[-1:]) if norm in ('final', 'both') else mean

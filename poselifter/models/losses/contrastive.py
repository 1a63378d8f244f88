"""Contrastive losses: clips against clips, clips against texts."""

import torch
from torch import Tensor

from ...errors import InputError
from .functional import _mean


def supervised_contrastive(
    features: Tensor,
    labels: Tensor | None = None,
    mask: Tensor | None = None,
    temperature: float = 0.07,
    base_temperature: float = 0.07,
    contrast_mode: str = 'all',
) -> Tensor:
    """Pulls samples of one class together and pushes all others apart.

    A row is an anchor; its loss is the mean of -log softmax over its partners, itself left out, times temperature /
    base_temperature. Rows without a partner are left out of the mean (the original gives NaN then); where all rows have
    one the value is the original's. 0 where no row has one.

    Args:
        features: (B, V, ...), V views of each sample; usually of unit length, which is not enforced.
        labels: (B,) classes.
        mask: (B, B), instead of labels: entry (i, j) is 1 where j is a partner
            of i. With neither, only the views of a sample are (SimCLR).
        temperature: divides the dot products.
        base_temperature: see above; MotionBERT trains with 0.1 over 0.07.
        contrast_mode: ``'all'``: every view is an anchor; ``'one'``: the first.

    Returns:
        0-dim tensor.

    Raises:
        InputError: labels and mask are both given, a shape does not fit, or the mode is unknown.

    Source: Khosla et al., "Supervised contrastive learning" (NeurIPS 2020),
    equation 2; MotionBERT, one-shot recognition.
    """
    if contrast_mode not in ('all', 'one') or (labels is not None and mask is not None) or features.ndim < 3:
        raise InputError(
            f'supervised_contrastive got features {tuple(features.shape)}, contrast_mode {contrast_mode!r}, labels '
            f'{"given" if labels is not None else None} and mask {"given" if mask is not None else None}; expected '
            "(B, V, ...), 'all' or 'one', and at most one of labels and mask"
        )
    count, views = features.shape[:2]
    if mask is None:
        labels = torch.arange(count, device=features.device) if labels is None else labels.reshape(-1)
        mask = labels[:, None] == labels
    if mask.shape != (count, count):
        raise InputError(
            f'supervised_contrastive got labels or a mask for {tuple(mask.shape)} pairs, expected {count} samples'
        )
    contrast = features.flatten(2).transpose(0, 1).flatten(0, 1)
    anchors = contrast if contrast_mode == 'all' else contrast[:count]
    itself = torch.eye(len(anchors), len(contrast), dtype=torch.bool, device=features.device)
    logits = anchors @ contrast.T / temperature
    # a finite stand-in for -inf, so that a sample alone in its batch gives 0 and not NaN
    others = logits.masked_fill(itself, torch.finfo(logits.dtype).min)
    log_softmax = logits - others.logsumexp(1, keepdim=True)
    partners = mask.to(logits).repeat(len(anchors) // max(count, 1), views).masked_fill(itself, 0)
    number = partners.sum(1)
    rows = (partners * log_softmax).sum(1) / torch.where(number > 0, number, 1)
    return -temperature / base_temperature * _mean(rows, (number > 0).to(rows))


def focal_kl_contrastive(similarity: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    """Kullback-Leibler divergence of a clip's texts, with a focal factor; the mean over clips.

    With s the softmax of the similarities and y the target, a clip's loss is the sum over its texts of (1 - s)^gamma y
    log(y / s), where 0 log 0 = 0. The gradient flows through the focal factor too. With unequal targets the loss can be
    slightly negative.

    Args:
        similarity: (..., N) of each clip to its N texts, already divided by the temperature.
        target: (..., N) fractions that sum to 1: 1 / n for each of n true labels.
        gamma: 0 takes the focal factor away.

    Returns:
        0-dim tensor.

    Raises:
        InputError: shapes disagree.

    Source: ActionPose, equation 1.
    """
    if similarity.shape != target.shape:
        raise InputError(
            f'focal_kl_contrastive got similarity {tuple(similarity.shape)} and target {tuple(target.shape)}; expected '
            '(..., N) twice'
        )
    log_softmax = similarity.log_softmax(-1)
    rest = -log_softmax.expm1()  # 1 - s, exact near 1
    focal = rest.clamp(min=torch.finfo(rest.dtype).tiny) ** gamma  # a power below 1 has no slope at 0
    terms = torch.xlogy(target, target) - target * log_softmax.masked_fill(target == 0, 0)
    return _mean((focal * terms).sum(-1), None)

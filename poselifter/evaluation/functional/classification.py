"""Metrics of recognised actions: arrays in, percent out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from .distances import as_array


def label_ranks(scores: Any, labels: Any) -> np.ndarray:
    """How many classes come before the true one, equal scores in the order of the classes.

    Args:
        scores: (N, C) logits or probabilities, numpy or torch.
        labels: (N,) true classes, 0 to C - 1.

    Returns:
        (N,) int64: 0 where the true class has the highest score.

    Raises:
        InputError: shapes disagree, a score is not finite, or a label is no class.
    """
    scores, labels = as_array(scores), as_array(labels)
    order = np.argsort(-scores, axis=-1, kind='stable')
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not np.isfinite(scores).all():
        raise InputError(f'scores have shape {scores.shape}, labels {labels.shape}, expected finite (N, C) and (N,)')
    found = order == labels[:, None]
    if not found.any(-1).all():
        raise InputError(f'labels hold {labels[~found.any(-1)][0]:g}, expected classes 0 to {scores.shape[1] - 1}')
    return found.argmax(-1)


def top_k_accuracy(scores: Any, labels: Any, k: int = 1) -> float:
    """Percentage of clips whose true class is among the ``k`` highest scores; arguments as :func:`label_ranks`."""
    return 100.0 * float((label_ranks(scores, labels) < k).mean())


def confusion_matrix(predicted: Any, labels: Any, num_classes: int) -> np.ndarray:
    """How often one class was taken for another: (C, C) int64, a row a true class, a column a predicted one.

    Args:
        predicted: (N,) predicted classes.
        labels: (N,) true classes.
        num_classes: C.

    Raises:
        InputError: the lengths differ, or an entry is no class.
    """
    predicted, labels = (as_array(a).astype(np.int64) for a in (predicted, labels))
    both = np.concatenate([predicted, labels])
    if predicted.shape != labels.shape or both.min(initial=0) < 0 or both.max(initial=0) >= num_classes:
        raise InputError(f'{len(predicted)} predicted, {len(labels)} true classes, expected pairs below {num_classes}')
    return np.bincount(labels * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def mean_class_accuracy(predicted: Any, labels: Any) -> float:
    """Mean over the classes that occur of the percentage recognised; arguments as :func:`confusion_matrix`."""
    matrix = confusion_matrix(predicted, labels, 1 + int(max(as_array(predicted).max(), as_array(labels).max())))
    occurs = matrix.sum(1) > 0
    return 100.0 * float((matrix.diagonal()[occurs] / matrix.sum(1)[occurs]).mean())


def nearest_exemplar(embeddings: Any, exemplars: Any) -> np.ndarray:
    """The exemplar with the highest cosine similarity: rows (N,) of ``exemplars``, the first of equals.

    Args:
        embeddings: (N, D), numpy or torch, of any length.
        exemplars: (M, D).

    Raises:
        InputError: shapes disagree, or a number is not finite.
    """
    pair = [as_array(e) for e in (embeddings, exemplars)]
    if any(e.ndim != 2 or not np.isfinite(e).all() for e in pair) or pair[0].shape[1] != pair[1].shape[1]:
        raise InputError(f'embeddings {pair[0].shape}, exemplars {pair[1].shape}, expected finite (N, D) and (M, D)')
    unit = [e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12) for e in pair]
    return (unit[0] @ unit[1].T).argmax(1)

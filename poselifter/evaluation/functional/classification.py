"""Metrics of recognised actions: arrays in, percent out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import InputError
from .distances import as_array


def label_ranks(scores: Any, labels: Any) -> np.ndarray:
    """Rank of the true class by score, equal scores in the order of the classes.

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
    is_label = order == labels[:, None]
    if not is_label.any(-1).all():
        raise InputError(f'labels hold {labels[~is_label.any(-1)][0]:g}, expected classes 0 to {scores.shape[1] - 1}')
    return is_label.argmax(-1)


def top_k_accuracy(scores: Any, labels: Any, k: int = 1) -> float:
    """Percentage of clips whose true class is among the ``k`` highest scores; arguments as :func:`label_ranks`."""
    return 100.0 * float((label_ranks(scores, labels) < k).mean())


def confusion_matrix(predicted: Any, labels: Any, num_classes: int) -> np.ndarray:
    """Confusion matrix (C, C) int64, a row a true class, a column a predicted one.

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


def few_shot_accuracies(
    embeddings: Any, labels: Any, ways: int = 5, shots: int = 1, episodes: int = 200, seed: int = 0, ids: Any = None
) -> np.ndarray:
    """Accuracy of the nearest class mean in random episodes, (episodes,) percent, mean over the episode's classes.

    An episode draws ``ways`` classes and ``shots`` clips of each, whose unit vectors' mean stands for the class; all
    their other clips are recognised by cosine similarity. With one shot that is the nearest exemplar.

    Args:
        embeddings: (N, D), numpy or torch.
        labels: (N,) classes.
        ways: classes in an episode.
        shots: known clips of each class.
        episodes: how many.
        seed: of the draws, which depend on the order of the clips.
        ids: (N,) which clip each is, where some come several times: what is
            known is not recognised. By default all differ.

    Raises:
        InputError: too few classes have more than ``shots`` clips.

    Source: Vinyals et al., "Matching networks for one shot learning" (2016); Snell et al., "Prototypical networks for
    few-shot learning" (2017).
    """
    vectors, labels = as_array(embeddings), as_array(labels).astype(np.int64)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    members = {int(c): np.flatnonzero(labels == c) for c in np.unique(labels)}
    ids = np.arange(len(labels)) if ids is None else np.asarray(ids)
    classes = [c for c, rows in members.items() if len(np.unique(ids[rows])) > shots]
    if not 2 <= ways <= len(classes) or shots < 1 or episodes < 1:
        raise InputError(
            f'{ways} ways and {shots} shots in {episodes} episodes, but {len(classes)} classes have more than {shots} '
            f'clips; expected 2 to {len(classes)} ways and at least 1 shot and episode'
        )
    accuracies, rng = [], np.random.default_rng(seed)
    for _ in range(episodes):
        drawn = [rng.permutation(members[c]) for c in rng.permutation(classes)[:ways]]
        means = [vectors[rows[:shots]].mean(0) for rows in drawn]
        tested = [rows[~np.isin(ids[rows], ids[rows[:shots]])] for rows in drawn]
        truth = np.repeat(np.arange(ways), [len(rows) for rows in tested])
        accuracies.append(mean_class_accuracy(nearest_exemplar(vectors[np.concatenate(tested)], means), truth))
    return np.array(accuracies)


def bootstrap_interval(groups: Any, statistic: Callable[[np.ndarray], float], draws: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of a figure over groups, such as subjects.

    Args:
        groups: (N,) the group of each entry; groups are drawn with replacement, with all of their entries.
        statistic: rows (n,) of the entries to the figure.
        draws: how many sets.

    Source: Efron and Tibshirani, "An introduction to the bootstrap", section 13.3 (percentiles).
    """
    members = [np.flatnonzero(np.asarray(groups) == g) for g in np.unique(groups)]
    rng = np.random.default_rng(0)
    sets = (np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]) for _ in range(draws))
    low, high = np.percentile([statistic(rows) for rows in sets], [2.5, 97.5])
    return float(low), float(high)

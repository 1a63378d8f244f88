"""Metrics of recognised actions over a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError
from ...registry import METRICS
from ...utils import atomic_write
from ..functional.classification import (
    bootstrap_interval,
    confusion_matrix,
    few_shot_accuracies,
    label_ranks,
    mean_class_accuracy,
    nearest_exemplar,
)
from ..functional.distances import as_array
from .sample_metric import SampleMetric


def _vector(sample: Mapping[str, Any], key: str) -> np.ndarray:
    return as_array(sample.get(key)).astype(np.float32)


def _ends(interval: tuple[float, float], name: str) -> dict[str, float]:
    """The ends of an interval as figures ``<name>_low`` and ``<name>_high``."""
    return {f'{name}_low': interval[0], f'{name}_high': interval[1]}


class LabelledMetric(SampleMetric):
    """Base of metrics of clips with a class and a vector; an entry is (sequence, class, vector (D,), group).

    Args:
        merge: whether the samples of one ``sequence`` (its windows, its views)
            count as one clip, whose vector is their mean.
        interval: a name in the metadata of the samples, which gives the group.
        **kwargs: see :class:`SampleMetric`.
    """

    vector: str  # key of the vector

    def __init__(self, merge: bool = False, interval: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.merge, self.interval = merge, interval
        self.fields = ('action', self.vector, *(['sequence'] if merge else []), *([interval] if interval else []))

    def entry(self, sample: Mapping[str, Any]) -> tuple[str, int, np.ndarray, str]:
        """Sequence, class, vector and group."""
        group = str(sample.get(self.interval)) if self.interval else ''
        return str(sample.get('sequence')), int(sample.get('action')), _vector(sample, self.vector), group

    def clips(self, results: Sequence[tuple[str, int, np.ndarray, str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Classes (N,), vectors (N, D) and groups (N,) of the clips; merged, no order matters to any digit."""
        if not results:
            raise InputError(f'{type(self).__name__} saw no clip; check that the test data set is not empty')
        if self.merge:
            members: dict[str, list[tuple]] = {}
            for entry in results:
                members.setdefault(entry[0], []).append(entry)
            means = {name: np.sort([entry[2] for entry in part], 0).mean(0) for name, part in members.items()}
            results = [(name, members[name][0][1], means[name], members[name][0][3]) for name in sorted(members)]
        _, labels, vectors, groups = (np.array(column) for column in zip(*results, strict=True))
        return labels, vectors, groups


@METRICS.register_module()
class ActionMetric(LabelledMetric):
    """Top-k accuracy, mean class accuracy and confusion matrix, in percent.

    ``process`` takes samples with ``pred_scores`` (classes,), logits or probabilities, and ``action``, the true class.
    Returned keys: ``top1``, ``top5``, ``mean_class_accuracy``. After that ``confusion`` is the (classes, classes)
    matrix: a row is a true class, a column a predicted one.

    Args:
        top_k: numbers of highest scores to look in.
        confusion_file: csv file to write the confusion matrix to.
        **kwargs: of :class:`LabelledMetric`: ``merge``, and ``interval``, such as ``'subject'``, which adds
            ``mean_class_accuracy_low`` and ``_high``, between which 95 % of the sets of other such groups lie
            (:func:`bootstrap_interval`).
    """

    vector = 'pred_scores'

    def __init__(self, top_k: Sequence[int] = (1, 5), confusion_file: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top_k, self.confusion_file = tuple(top_k), confusion_file
        self.confusion: np.ndarray | None = None
        self.reports = (*(f'top{k}' for k in self.top_k), 'mean_class_accuracy')

    def compute_metrics(self, results: list[tuple[str, int, np.ndarray, str]]) -> dict[str, float]:
        labels, scores, groups = self.clips(results)
        predicted, ranks = scores.argmax(1), label_ranks(scores, labels)
        self.confusion = confusion_matrix(predicted, labels, scores.shape[1])
        if self.confusion_file:
            with atomic_write(self.confusion_file) as temporary:
                np.savetxt(temporary, self.confusion, fmt='%d', delimiter=',')
        figures = {f'top{k}': 100.0 * float((ranks < k).mean()) for k in self.top_k}
        figures['mean_class_accuracy'] = mean_class_accuracy(predicted, labels)
        if self.interval:
            ends = bootstrap_interval(groups, lambda rows: mean_class_accuracy(predicted[rows], labels[rows]))
            figures |= _ends(ends, 'mean_class_accuracy')
        return figures


@METRICS.register_module()
class OneShotMetric(SampleMetric):
    """Accuracy of the nearest exemplar by cosine similarity, in percent.

    ``process`` takes samples with ``pred_embedding`` (D,), ``action`` and ``exemplar``: the data set holds one exemplar
    of each class beside the clips to be recognised, and exemplars do not count. Returned keys:
    ``one_shot_accuracy``, ``mean_class_accuracy``.

    Args: of mmengine's ``BaseMetric``.

    Source: Liu et al., "NTU RGB+D 120" (PAMI 2019), section 5; MotionBERT, section 4.4.
    """

    fields = ('exemplar', 'action', 'pred_embedding')
    reports = ('one_shot_accuracy', 'mean_class_accuracy')

    def entry(self, sample: Mapping[str, Any]) -> tuple[bool, int, np.ndarray]:
        """Exemplar flag, class and embedding."""
        return bool(sample.get('exemplar')), int(sample.get('action')), _vector(sample, 'pred_embedding')

    def compute_metrics(self, results: list[tuple[bool, int, np.ndarray]]) -> dict[str, float]:
        exemplars = {action: embedding for is_exemplar, action, embedding in results if is_exemplar}
        tested = [(action, embedding) for is_exemplar, action, embedding in results if not is_exemplar]
        lacking = sorted({action for action, _ in tested} - set(exemplars))
        if lacking or not tested:
            raise InputError(
                f'OneShotMetric: the test data has {len(tested)} clips to recognise, and no exemplar of the classes '
                f'{lacking}; put the exemplars and these clips into one test data set'
            )
        classes = np.array(sorted(exemplars))
        labels, embeddings = (np.array(part) for part in zip(*tested, strict=True))
        predicted = classes[nearest_exemplar(embeddings, [exemplars[c] for c in classes])]
        correct = 100.0 * float((predicted == labels).mean())
        return {'one_shot_accuracy': correct, 'mean_class_accuracy': mean_class_accuracy(predicted, labels)}


@METRICS.register_module()
class FewShotMetric(LabelledMetric):
    """Recognition from a few known clips of each class, over any labelled data, in percent.

    ``process`` takes samples with ``pred_embedding`` (D,), ``action`` and ``sequence``; samples of one sequence (its
    windows, its views) count as one clip, so that none is compared with a part of itself. Returned keys:
    ``few_shot_accuracy``, mean over the episodes of :func:`few_shot_accuracies`; ``few_shot_std``, their standard
    deviation; ``chance``.

    Args:
        ways: classes in an episode; ``None`` takes all that have enough clips.
        shots: known clips of each class.
        episodes: how many.
        seed: of the draws.
        **kwargs: ``interval`` as of :class:`ActionMetric`, which adds ``few_shot_accuracy_low`` and ``_high``: sets of
            other groups must have enough classes; and what mmengine's ``BaseMetric`` takes.
    """

    vector = 'pred_embedding'
    reports = ('few_shot_accuracy', 'few_shot_std', 'chance')

    def __init__(self, ways: int | None = 5, shots: int = 1, episodes: int = 200, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(merge=True, **kwargs)
        self.ways, self.draws = ways, {'shots': shots, 'episodes': episodes, 'seed': seed}

    def compute_metrics(self, results: list[tuple[str, int, np.ndarray, str]]) -> dict[str, float]:
        labels, embeddings, groups = self.clips(results)
        ways = self.ways or int((np.unique(labels, return_counts=True)[1] > self.draws['shots']).sum())
        accuracies = few_shot_accuracies(embeddings, labels, ways, **self.draws)
        figures = {'few_shot_accuracy': accuracies.mean(), 'few_shot_std': accuracies.std(), 'chance': 100.0 / ways}
        if self.interval:
            draws = {**self.draws, 'episodes': min(self.draws['episodes'], 50)}  # of each set of groups

            def accuracy(rows: np.ndarray) -> float:
                return few_shot_accuracies(embeddings[rows], labels[rows], ways, ids=rows, **draws).mean()

            figures |= _ends(bootstrap_interval(groups, accuracy, draws=100), 'few_shot_accuracy')
        return figures

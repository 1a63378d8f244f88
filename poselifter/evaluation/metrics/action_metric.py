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


def _per_sequence(results: Sequence[tuple], vectors: int) -> list[tuple]:
    """Entries that begin with the sequence's name, one a sequence: its first, with the mean of its vectors.

    Neither the order of the entries nor of the sequences matters to any digit.

    Args:
        results: entries.
        vectors: place of the vector (D,) in an entry.
    """
    members: dict[str, list[tuple]] = {}
    for entry in results:
        members.setdefault(entry[0], []).append(entry)
    merged = []
    for name in sorted(members):
        first = list(members[name][0])
        first[vectors] = np.sort([entry[vectors] for entry in members[name]], 0).mean(0)
        merged.append(tuple(first))
    return merged


@METRICS.register_module()
class ActionMetric(SampleMetric):
    """Top-k accuracy, mean class accuracy and confusion matrix, in percent.

    ``process`` takes samples with ``pred_scores`` (classes,), logits or
    probabilities, and ``action``, the true class. Returned keys: ``top1``,
    ``top5``, ``mean_class_accuracy``. After that ``confusion`` is the (classes,
    classes) matrix: a row is a true class, a column a predicted one.

    Args:
        top_k: numbers of highest scores to look in.
        confusion_file: csv file to write the confusion matrix to.
        merge: whether the samples of one ``sequence`` (its windows, its views)
            count as one clip, whose scores are their mean.
        interval: a name in the metadata of the samples, such as ``'subject'``: adds
            ``mean_class_accuracy_low`` and ``_high``, between which 95 % of the
            sets of other such groups lie (:func:`bootstrap_interval`).
        **kwargs: of mmengine's ``BaseMetric``.
    """

    def __init__(
        self,
        top_k: Sequence[int] = (1, 5),
        confusion_file: str | None = None,
        merge: bool = False,
        interval: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.top_k, self.confusion_file, self.merge, self.interval = tuple(top_k), confusion_file, merge, interval
        self.fields = ('action', 'pred_scores', *(['sequence'] if merge else []), *([interval] if interval else []))
        self.confusion: np.ndarray | None = None

    def entry(self, sample: Mapping[str, Any]) -> tuple[str, str, int, np.ndarray]:
        """Sequence, group, true class and scores."""
        name = str(sample.get('sequence')) if self.merge else ''
        group = str(sample.get(self.interval)) if self.interval else ''
        return name, group, int(sample.get('action')), _vector(sample, 'pred_scores')

    def compute_metrics(self, results: list[tuple[str, str, int, np.ndarray]]) -> dict[str, float]:
        """The figures of the class."""
        if not results:
            raise InputError('ActionMetric saw no clip; check that the test data set is not empty')
        results = _per_sequence(results, 3) if self.merge else results
        _, groups, labels, scores = zip(*results, strict=True)
        labels, scores = np.array(labels), np.array(scores)
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

    ``process`` takes samples with ``pred_embedding`` (D,), ``action`` and
    ``exemplar``: the data set holds one exemplar of each class beside the clips
    to be recognised, and exemplars do not count. Returned keys:
    ``one_shot_accuracy``, ``mean_class_accuracy``.

    Args: of mmengine's ``BaseMetric``.

    Source: Liu et al., "NTU RGB+D 120" (PAMI 2019), section 5; MotionBERT, section 4.3.
    """

    fields = ('exemplar', 'action', 'pred_embedding')

    def entry(self, sample: Mapping[str, Any]) -> tuple[bool, int, np.ndarray]:
        """Whether it is an exemplar, class and embedding."""
        return bool(sample.get('exemplar')), int(sample.get('action')), _vector(sample, 'pred_embedding')

    def compute_metrics(self, results: list[tuple[bool, int, np.ndarray]]) -> dict[str, float]:
        """The figures of the class."""
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
class FewShotMetric(SampleMetric):
    """Recognition from a few known clips of each class, over any labelled data, in percent.

    ``process`` takes samples with ``pred_embedding`` (D,), ``action`` and
    ``sequence``; samples of one sequence (its windows, its views) count as one
    clip, so that none is compared with a part of itself. Returned keys:
    ``few_shot_accuracy``, mean over the episodes of
    :func:`few_shot_accuracies`; ``few_shot_std``, their standard deviation;
    ``chance``.

    Args:
        ways: classes in an episode; ``None`` takes all that have enough clips.
        shots: known clips of each class.
        episodes: how many.
        seed: of the draws.
        interval: as of :class:`ActionMetric`; sets of other groups must have
            enough classes. Adds ``few_shot_accuracy_low`` and ``_high``.
        **kwargs: of mmengine's ``BaseMetric``.
    """

    def __init__(
        self,
        ways: int | None = 5,
        shots: int = 1,
        episodes: int = 200,
        seed: int = 0,
        interval: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ways, self.draws, self.interval = ways, {'shots': shots, 'episodes': episodes, 'seed': seed}, interval
        self.fields = ('sequence', 'action', 'pred_embedding', *([interval] if interval else []))

    def entry(self, sample: Mapping[str, Any]) -> tuple[str, int, np.ndarray, str]:
        """Sequence, class, embedding and group."""
        group = str(sample.get(self.interval)) if self.interval else ''
        return str(sample.get('sequence')), int(sample.get('action')), _vector(sample, 'pred_embedding'), group

    def compute_metrics(self, results: list[tuple[str, int, np.ndarray, str]]) -> dict[str, float]:
        """The figures of the class."""
        _, labels, embeddings, groups = (np.array(part) for part in zip(*_per_sequence(results, 2), strict=True))
        ways = self.ways or int((np.unique(labels, return_counts=True)[1] > self.draws['shots']).sum())
        accuracies = few_shot_accuracies(embeddings, labels, ways, **self.draws)
        figures = {'few_shot_accuracy': accuracies.mean(), 'few_shot_std': accuracies.std(), 'chance': 100.0 / ways}
        if self.interval:
            draws = {**self.draws, 'episodes': min(self.draws['episodes'], 50)}  # of each set of groups

            def accuracy(rows: np.ndarray) -> float:
                return few_shot_accuracies(embeddings[rows], labels[rows], ways, ids=rows, **draws).mean()

            figures |= _ends(bootstrap_interval(groups, accuracy, draws=100), 'few_shot_accuracy')
        return figures

"""Metrics of recognised actions over a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from ...errors import InputError
from ...registry import METRICS
from ...utils import atomic_write
from ..functional.classification import confusion_matrix, label_ranks, mean_class_accuracy, nearest_exemplar
from ..functional.distances import as_array


class _ClipMetric(BaseMetric):
    """One entry a clip, of the sample's ``fields``."""

    default_prefix = ''
    fields: tuple[str, ...]

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Appends the entry of each clip; raises an InputError for a missing field."""
        for sample in data_samples:
            missing = [key for key in self.fields if sample.get(key) is None]
            if missing:
                name = sample.get('sequence') or 'a clip without a name'
                raise InputError(f'{name}: the sample has no {missing[0]}; {type(self).__name__} needs it')
            self.results.append(self.entry(*(sample.get(key) for key in self.fields)))


@METRICS.register_module()
class ActionMetric(_ClipMetric):
    """Top-k accuracy, mean class accuracy and confusion matrix, in percent.

    ``process`` takes samples with ``pred_scores`` (classes,), logits or
    probabilities, and ``action``, the true class. Returned keys: ``top1``,
    ``top5``, ``mean_class_accuracy``. After that ``confusion`` is the (classes,
    classes) matrix: a row is a true class, a column a predicted one.

    Args:
        top_k: numbers of highest scores to look in.
        confusion_file: csv file to write the confusion matrix to.
        collect_device: how processes exchange entries.
        prefix: put before every key.
    """

    fields = ('action', 'pred_scores')

    def __init__(
        self,
        top_k: Sequence[int] = (1, 5),
        confusion_file: str | None = None,
        collect_device: str = 'gpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.top_k, self.confusion_file = tuple(top_k), confusion_file
        self.confusion: np.ndarray | None = None

    @staticmethod
    def entry(action: Any, scores: Any) -> tuple[int, int, int, int]:
        """True class, predicted class, rank of the true class, number of classes."""
        scores = as_array(scores)
        return int(action), int(scores.argmax()), int(label_ranks(scores[None], [int(action)])[0]), len(scores)

    def compute_metrics(self, results: list[tuple[int, int, int, int]]) -> dict[str, float]:
        """The figures of the class."""
        if not results:
            raise InputError('ActionMetric saw no clip; check that the test data set is not empty')
        labels, predicted, ranks, classes = np.array(results).T
        self.confusion = confusion_matrix(predicted, labels, classes.max())
        if self.confusion_file:
            with atomic_write(self.confusion_file) as temporary:
                np.savetxt(temporary, self.confusion, fmt='%d', delimiter=',')
        figures = {f'top{k}': 100.0 * float((ranks < k).mean()) for k in self.top_k}
        return {**figures, 'mean_class_accuracy': mean_class_accuracy(predicted, labels)}


@METRICS.register_module()
class OneShotMetric(_ClipMetric):
    """Accuracy of the nearest exemplar by cosine similarity, in percent.

    ``process`` takes samples with ``pred_embedding`` (D,), ``action`` and
    ``exemplar``: the data set holds one exemplar of each class beside the clips
    to be recognised, and exemplars do not count. Returned keys:
    ``one_shot_accuracy``, ``mean_class_accuracy``.

    Args: of mmengine's ``BaseMetric``.

    Source: Liu et al., "NTU RGB+D 120" (PAMI 2019), section 5; MotionBERT, section 4.3.
    """

    fields = ('exemplar', 'action', 'pred_embedding')

    @staticmethod
    def entry(exemplar: Any, action: Any, embedding: Any) -> tuple[bool, int, np.ndarray]:
        """Whether it is an exemplar, class and embedding."""
        return bool(exemplar), int(action), as_array(embedding).astype(np.float32)

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

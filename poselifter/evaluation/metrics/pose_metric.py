"""The metric of 3D poses over a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from ...errors import InputError
from ...registry import METRICS
from ...skeletons import get_skeleton
from ..functional.distances import (
    acceleration_distances,
    aligned_distances,
    as_array,
    joint_distances,
    scaled_distances,
    velocity_distances,
)
from ..functional.pck import auc_scores, pck_scores
from .group_table import GroupTable, SequenceScore

MM_PER_METRE = 1000.0
MEASURES = {
    'mpjpe': ('MPJPE', joint_distances),
    'p_mpjpe': ('P-MPJPE', aligned_distances),
    'n_mpjpe': ('N-MPJPE', scaled_distances),
    'mpjve': ('MPJVE', velocity_distances),
    'mpjae': ('MPJAE', acceleration_distances),
    'pck': ('PCK', pck_scores),
    'auc': ('AUC', auc_scores),
}
LABELS = {name: label for name, (label, _) in MEASURES.items()}
UNITS = 'mm; MPJVE in mm a frame, MPJAE in mm a frame squared, PCK and AUC in percent'


@METRICS.register_module()
class PoseMetric(BaseMetric):
    """Root-relative pose errors in millimetres, by action and by other facts of a sequence.

    The clean counting: each frame once; the target is made root-relative and
    the predicted root set to zero (other joints stay as predicted), so the root
    counts with error 0; joints without a label, and frames without a labelled
    root, do not count. A group's value is the mean over all joints and frames
    of its sequences (MPJVE and MPJAE: over the differences inside sequences,
    where the papers' programs weight a sequence by its frames); the overall
    value is the plain mean over the groups of the first name of ``group_by``,
    the papers' rule for actions.

    ``process`` keeps one entry a sequence, so neither the batch size nor the
    number of processes can change a figure.

    Returned keys: ``MPJPE`` (overall), ``MPJPE/<action>``, and
    ``source_format/<name>/MPJPE``; the same for the other metrics.

    Args:
        metrics: some of ``mpjpe``, ``p_mpjpe``, ``n_mpjpe``, ``mpjve``,
            ``mpjae``, ``pck`` (150 mm), ``auc``.
        group_by: metainfo of a sample to report by; the first one also makes
            the overall figure.
        collect_device: how processes exchange entries. ``'gpu'`` sends them
            through the process group, gloo on the CPU included; ``'cpu'``
            writes files into the working directory.
        prefix: put before every key.

    Raises:
        InputError: an unknown metric, or no name to group by.
    """

    default_prefix = ''  # None would make mmengine warn that the keys have no prefix

    def __init__(
        self,
        metrics: Sequence[str] = ('mpjpe', 'p_mpjpe', 'n_mpjpe', 'mpjve', 'mpjae'),
        group_by: Sequence[str] = ('action_name', 'source_format'),
        collect_device: str = 'gpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        unknown = [name for name in metrics if name not in MEASURES]
        if unknown or not metrics:
            raise InputError(f'PoseMetric: metrics are {list(metrics)}, expected some of {list(MEASURES)}')
        if not group_by:
            raise InputError("PoseMetric: group_by is empty, expected at least one name such as 'action_name'")
        self.metrics, self.group_by = tuple(metrics), tuple(group_by)

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Appends one entry for each sequence.

        Args:
            data_batch: not used.
            data_samples: samples or their dicts with ``pred_keypoints_3d``
                (T, K, 3) metres, camera axes, root-relative, ``lifting_target``
                (T, K, 3) metres, ``lifting_target_visible`` (T, K), and as
                metainfo ``skeleton_3d`` and the names to group by.

        Raises:
            InputError: a field is missing or disagrees with another.
        """
        self.results.extend(self._score(sample) for sample in data_samples)

    def compute_metrics(self, results: list[SequenceScore]) -> dict[str, float]:
        """Prints a table for each way of grouping.

        Args:
            results: the entries of all sequences, in any order.

        Returns:
            Key -> value, as the class says.

        Raises:
            InputError: there is no entry.
        """
        if not results:
            raise InputError('PoseMetric saw no sequence; check that the test data set is not empty')
        tables = [GroupTable.of(results, by, self.metrics) for by in self.group_by]
        for table in tables:
            print_log(f'Results by {table.by} ({UNITS})\n{table.text(LABELS)}', logger='current')
        figures = {LABELS[name]: value for name, value in tables[0].average().items()}
        for group, row in tables[0].rows.items():
            figures.update({f'{LABELS[name]}/{group}': value for name, value in row.items()})
        for table in tables[1:]:
            for group, row in table.rows.items():
                figures.update({f'{table.by}/{group}/{LABELS[name]}': value for name, value in row.items()})
        return figures

    def _score(self, sample: Mapping[str, Any]) -> SequenceScore:
        sequence = sample.get('sequence') or 'a sequence without a name'
        pred, target, visible = self._poses(sample, sequence)
        sums = {}
        for name in self.metrics:
            try:
                values, counted = MEASURES[name][1](pred, target, visible)
            except InputError as error:
                raise InputError(f'{sequence}: {error}') from error
            sums[name] = (float(values[counted].sum()), int(counted.sum()))
        groups = {by: str(sample.get(by) or 'unknown') for by in self.group_by}
        return SequenceScore(groups, int(visible.any(-1).sum()), sums)

    @staticmethod
    def _poses(sample: Mapping[str, Any], sequence: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Prediction and root-relative target in mm, and the mask of joints that count."""
        for key in ('pred_keypoints_3d', 'lifting_target', 'lifting_target_visible'):
            if sample.get(key) is None:
                raise InputError(f'{sequence}: the sample has no {key}; PoseMetric needs a prediction and a 3D label')
        skeleton, predicted = sample.get('skeleton_3d'), sample.get('pred_skeleton')
        if skeleton and predicted and skeleton != predicted:
            raise InputError(
                f'{sequence}: the prediction has the joint set {predicted!r}, the label {skeleton!r}; '
                f'convert one of them by name (poselifter.skeletons.convert_keypoints) before scoring'
            )
        pred, target, visible = (
            as_array(sample.get(key)) for key in ('pred_keypoints_3d', 'lifting_target', 'lifting_target_visible')
        )
        if pred.ndim != 3 or pred.shape != target.shape or visible.shape != target.shape[:-1]:
            raise InputError(
                f'{sequence}: pred_keypoints_3d has shape {pred.shape}, lifting_target {target.shape}, '
                f'lifting_target_visible {visible.shape}, expected (T, K, 3), (T, K, 3), (T, K)'
            )
        root = get_skeleton(skeleton).root if skeleton else 0
        counted = (visible > 0) & (visible[:, root : root + 1] > 0)
        pred, target = pred * MM_PER_METRE, (target - target[:, root : root + 1]) * MM_PER_METRE
        pred[:, root] = 0
        return pred, target, counted

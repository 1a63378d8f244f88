"""The metric of 3D poses over a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InputError, check_choice, check_names
from ...registry import MEASURES, METRICS
from ...skeletons import convert_keypoints, get_skeleton
from ..functional.distances import as_array, joint_distances
from ..functional.pck import kit_groups
from .group_table import GroupTable, SequenceScore
from .grouped_metric import GroupedMetric
from .protocols import PROTOCOLS, Slots, predicted_frames

MM_PER_METRE = 1000.0
DETAIL = ('mpjpe', 'under_30', 'over_40')


@METRICS.register_module()
class PoseMetric(GroupedMetric):
    """Root-relative pose errors in millimetres, by action and by other metadata of a sequence.

    The clean protocol: each frame once, the predictions of a frame that several windows predict averaged; the target is
    made root-relative and the predicted root set to zero (other joints stay as predicted), so the root counts with
    error 0; joints without a label, and frames without a labelled root, do not count. A group's value is the mean over
    all joints and frames of its sequences (MPJVE and MPJAE: over the differences inside sequences); the overall value
    is the mean over groups. The papers' protocols differ in what :class:`~poselifter.evaluation.metrics.Protocol`
    lists.

    ``process`` takes samples with ``pred_keypoints_3d`` (P, K, 3) metres, camera axes, root-relative, and
    ``pred_frames`` (P,), absent where each frame is predicted once; ``lifting_target`` (T, K, 3) metres,
    ``lifting_target_visible`` (T, K), and as metainfo ``skeleton_3d`` and the names to group by.

    A prediction of another joint set than the label's is converted by name.

    Returned keys: ``MPJPE`` (overall), ``all_frames/MPJPE`` or ``mean_of_groups/MPJPE`` (the average that the overall
    one is not), ``MPJPE/<action>``, ``source_format/<name>/MPJPE``; the same for the other metrics. With ``detail`` the
    same for ``joints/MPJPE/<joint>``, and the population variances (mm squared) of the MPJPE of groups and of joints,
    ``variance/<first of group_by>`` and ``variance/joints``.

    Args:
        protocol: a name of ``PROTOCOLS``. All but ``'clean'`` stand before the
            keys, so that a paper's metric and the clean one fit one evaluator.
        metrics: names in :data:`~poselifter.registry.MEASURES`: ``mpjpe``, ``p_mpjpe``, ``n_mpjpe``, ``mpjve``,
            ``mpjae``, ``pck`` (150 mm), ``auc``, ``under_30`` and ``over_40`` (percentage of poses whose MPJPE is under
            30 mm, over 40 mm), and those of plugins; ``None``:
            the protocol's.
        group_by: see :class:`GroupedMetric`; ``None``: the protocol's.
        detail: adds ``under_30``, ``over_40``, a table by joint, and the variances.
        clip_len: slots of a window, where the protocol takes differences inside clips (``'motionagformer'``).
        **kwargs: of mmengine's ``BaseMetric``; ``prefix`` stands before every key, instead of the protocol.

    Raises:
        InputError: an unknown protocol or metric, or no name to group by.
    """

    fields = ('pred_keypoints_3d', 'lifting_target', 'lifting_target_visible')

    def __init__(
        self,
        protocol: str = 'clean',
        metrics: Sequence[str] | None = None,
        group_by: Sequence[str] | None = None,
        detail: bool = False,
        clip_len: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice('PoseMetric: the protocol', protocol, PROTOCOLS)
        self.protocol, self.detail, self.clip_len = PROTOCOLS[protocol], detail, clip_len
        metrics = self.protocol.metrics if metrics is None else metrics
        check_names('PoseMetric: metrics', metrics, MEASURES.module_dict)
        self.measures = {name: MEASURES.get(name) for name in (*metrics, *(DETAIL if detail else ()))}
        self.labels = {name: measure.label for name, measure in self.measures.items()}
        kwargs['prefix'] = kwargs.get('prefix') or (None if protocol == 'clean' else protocol)
        group_by = self.protocol.group_by if group_by is None else group_by
        by_unit: dict[str, list[str]] = {}
        for measure in self.measures.values():
            by_unit.setdefault(measure.unit, []).append(measure.label)
        units = [f'protocol {protocol}', *(f'{", ".join(names)} in {unit}' for unit, names in by_unit.items())]
        units += [f'averages without {", ".join(self.protocol.apart)}'] if self.protocol.apart else []
        super().__init__(group_by, self.protocol.average, '; '.join(units), **kwargs)

    @property
    def reports(self) -> tuple[str, ...]:
        """Keys of the overall figures, and the starts of those of groups and joints."""
        return (*super().reports, *(('joints', 'variance') if self.detail else ()))

    def entry(self, sample: Mapping[str, Any]) -> SequenceScore:
        if any(part in (sample.get('sequence') or '') for part in self.protocol.skip):
            return SequenceScore({}, 0, {})  # None would be lost between processes, and others doubled
        slots = self.slots(sample)
        kit = kit_groups(sample.get('skeleton_3d') or 'mpi_inf_3dhp17') if self.protocol.kit_joints else {}
        sums = {}
        for name, measure in self.measures.items():
            if measure.over_time:
                sums[name] = slots.total_differences(measure, self.protocol.differences, self.clip_len)
            else:
                sums[name] = slots.total(measure, kit.get('Total') if measure.kit_joints else None)
            if self.detail and measure.kit_joints:
                sums |= {f'joints/{measure.label}/{g}': slots.total(measure, joints) for g, joints in kit.items()}
        if self.detail:
            joints = get_skeleton(sample.get('skeleton_3d') or 'h36m17').joint_names
            sums |= {f'joints/MPJPE/{j}': slots.total(joint_distances, [i]) for i, j in enumerate(joints)}
        averaged = sample.get('action_name') not in self.protocol.apart
        return SequenceScore(self.groups_of(sample), slots.num_frames, sums, averaged)

    def report(self, results: Sequence[SequenceScore]) -> tuple[dict[str, float], list[str]]:
        figures, texts = super().report(results)
        if not any(score.averaged for score in results):
            raise InputError(
                f'PoseMetric saw nothing but {", ".join(self.protocol.apart)}, of which its protocol has no average; '
                f'add other actions to the test data set, or choose another protocol'
            )
        if not self.detail:
            return figures, texts
        by, scores = self.group_by[0], [score for score in results if score.sums]
        names = [name for name in scores[0].sums if name not in self.labels]
        if any(score.sums.keys() != scores[0].sums.keys() for score in scores):
            raise InputError('PoseMetric: sequences have different joint sets; leave detail out or evaluate them apart')
        table = GroupTable.of(scores, by, names)
        figures.update(table.figures({name: name for name in names}, self.average))
        joints = [value for name, value in table.averages[self.average].items() if name.startswith('joints/MPJPE/')]
        apart = {f'MPJPE/{group}' for group in table.rows if group not in table.averaged}
        groups = [value for name, value in figures.items() if name.startswith('MPJPE/') and name not in apart]
        spread = {f'variance/{by}': float(np.var(groups)), 'variance/joints': float(np.var(joints))}
        head = '; '.join(f'{name} {value:.2f} mm squared' for name, value in spread.items())
        texts.append(f'MPJPE by joint; {head}\n{table.text({n: n.split("/", 2)[2] for n in names})}')
        return {**figures, **spread}, texts

    def slots(self, sample: Mapping[str, Any]) -> Slots:
        """Predictions and root-relative targets of a sample in mm, as the protocol counts them."""
        skeleton, predicted = sample.get('skeleton_3d'), sample.get('pred_skeleton')
        pred, target, visible = (as_array(sample.get(key)) for key in self.fields)
        if skeleton and predicted and skeleton != predicted:
            pred = convert_keypoints(pred, predicted, skeleton)
        if pred.ndim != 3 or pred.shape[1:] != target.shape[1:] or visible.shape != target.shape[:-1]:
            raise InputError(
                f'pred_keypoints_3d has shape {pred.shape}, lifting_target {target.shape}, '
                f'lifting_target_visible {visible.shape}, expected (P, K, 3), (T, K, 3), (T, K)'
            )
        frames = predicted_frames(sample, len(pred), len(target))
        root = get_skeleton(skeleton).root if skeleton else 0
        counted = (visible > 0) & (visible[:, root : root + 1] > 0)
        pred, target = pred * MM_PER_METRE, (target - target[:, root : root + 1]) * MM_PER_METRE
        if self.protocol.root == 'zero':
            pred[:, root] = 0
        elif self.protocol.root == 'centre':
            pred -= pred[:, root : root + 1]
        return Slots.of(self.protocol, pred, target, counted, frames)

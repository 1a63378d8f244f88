"""The papers' evaluation protocols as data, and the sums that follow from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...errors import InputError
from ..functional.distances import Distances, as_array, joint_distances

_VIDEO = ('mpjpe', 'p_mpjpe', 'n_mpjpe', 'mpjve')
_SHIFTED = ('s_09_act_05_subact_02', 's_09_act_10_subact_02', 's_09_act_13_subact_01')


@dataclass(frozen=True)
class Protocol:
    """One way of counting.

    Attributes:
        metrics: measures that its tables report.
        group_by: metainfo to group by; see :class:`GroupedMetric`.
        root: the predicted root is set to ``'zero'``, or stays (``'keep'``), or
            is subtracted from all joints (``'centre'``).
        repeats: several predictions of one frame are averaged (``'average'``), count one by one (``'count'``), or split
            the frame's weight (``'split'``: their errors are averaged; where one window shows a frame repeatedly, the
            last one stands for it).
        differences: of velocities and accelerations each counts (``'each'``); or a sequence's mean is weighted by its
            frames (``'frames'``); or they are taken inside clips, and those that a clip lacks at its end count as 0
            (``'clips'``).
        average: kind of the overall figure; see :class:`GroupTable`.
        apart: actions that are reported by group only and enter no average.
        skip: sequences whose name contains one of these are left out.
        skip_exact: frames without any error are left out.
        kit_joints: PCK and AUC count the 14 joints of MPI-INF-3DHP's kit.
    """

    metrics: tuple[str, ...] = _VIDEO
    group_by: tuple[str, ...] = ('action_name',)
    root: Literal['zero', 'keep', 'centre'] = 'keep'
    repeats: Literal['average', 'count', 'split'] = 'average'
    differences: Literal['each', 'frames', 'clips'] = 'frames'
    average: Literal['mean_of_groups', 'all_frames'] = 'mean_of_groups'
    apart: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    skip_exact: bool = False
    kit_joints: bool = False


_MOTIONBERT = {'root': 'centre', 'repeats': 'split', 'skip': _SHIFTED, 'skip_exact': True}
_3DHP = {'root': 'zero', 'differences': 'each', 'average': 'all_frames', 'kit_joints': True}
PROTOCOLS: dict[str, Protocol] = {
    'clean': Protocol((*_VIDEO, 'mpjae'), ('action_name', 'source_format'), 'zero', differences='each'),
    'videopose3d': Protocol(),
    'poseformer': Protocol(),
    'mixste': Protocol(repeats='count'),
    'pstmo': Protocol(('mpjpe', 'p_mpjpe'), root='zero'),
    'motionbert': Protocol(('mpjpe', 'p_mpjpe', 'mpjve'), **_MOTIONBERT),
    'motionagformer': Protocol(('mpjpe', 'p_mpjpe', 'mpjae'), differences='clips', **_MOTIONBERT),
    'mpi_inf_3dhp': Protocol(('mpjpe', 'pck', 'auc'), ('sequence',), **_3DHP),
    'humaneva': Protocol(group_by=('action_name+subject',), apart=('Box', 'Gestures', 'ThrowCatch')),
}


def predicted_frames(sample: Mapping[str, Any], predictions: int, length: int) -> np.ndarray:
    """Frame index (P,) of each prediction: ``pred_frames``, or all frames in order where it is absent.

    Raises:
        InputError: the numbers disagree, or a frame is not in the sequence.
    """
    frames = sample.get('pred_frames')
    frames = np.arange(length) if frames is None else as_array(frames).astype(np.int64)
    if frames.shape != (predictions,) or not all(0 <= end < length for end in (*frames[:1], *frames[-1:])):
        raise InputError(
            f'{predictions} poses are predicted for a sequence of {length} frames, expected as many as frames, '
            f'or pred_frames with one frame from 0 to {length - 1} for each'
        )
    return frames


@dataclass(frozen=True)
class Slots:
    """Predictions of one sequence, each beside its target, in the order predicted.

    Attributes:
        pred: (P, K, 3).
        target: (P, K, 3).
        counted: (P, K) bool, joints with a label.
        frames: (P,) the frame that each stands for.
        weights: (P,) weight of each.
    """

    pred: np.ndarray
    target: np.ndarray
    counted: np.ndarray
    frames: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls, protocol: Protocol, pred: np.ndarray, target: np.ndarray, counted: np.ndarray, frames: np.ndarray
    ) -> 'Slots':
        """Lays predictions (P, K, 3) of ``frames`` (P,) and targets (T, K, 3) out as a protocol counts them."""
        times = np.bincount(frames, minlength=len(target))
        if protocol.repeats == 'average':
            if (times != 1).any() or (np.diff(frames) < 0).any():
                merged = np.zeros_like(target)
                np.add.at(merged, frames, pred)
                pred = merged / np.maximum(times, 1)[:, None, None]
            # frames that are not predicted stay, uncounted, so that no difference spans them
            return cls(pred, target, counted & (times > 0)[:, None], np.arange(len(target)), np.ones(len(target)))
        target, counted, weights = target[frames], counted[frames], np.ones(len(frames))
        if protocol.repeats == 'split':
            weights[:-1] = frames[1:] != frames[:-1]
            if protocol.skip_exact:
                distances, labelled = joint_distances(pred, target, counted)
                weights *= np.bincount(frames, weights * (distances * labelled).sum(-1))[frames] > 0
            weights /= np.maximum(np.bincount(frames, weights), 1)[frames]
        return cls(pred, target, counted, frames, weights)

    @property
    def num_frames(self) -> int:
        """Number of frames that count."""
        return round(float(self.weights[self.counted.any(-1)].sum()))

    def total(self, measure: Callable[..., Distances], joints: Sequence[int] | None = None) -> tuple[float, float]:
        """Weighted sum of a measure of single poses over ``joints`` (all by default), and the sum of its weights."""
        values, counted = measure(self.pred, self.target, self.counted)
        if joints is not None:
            values, counted = values[:, joints], counted[:, joints]
        weights = np.broadcast_to(self.weights[:, None], counted.shape)[counted]
        return float((values[counted] * weights).sum()), float(weights.sum())

    def total_differences(
        self, measure: Callable[..., Distances], rule: str, clip_len: int | None = None
    ) -> tuple[float, float]:
        """The same of a measure over time, by :class:`Protocol`'s ``differences``.

        Raises:
            InputError: the slots are no whole number of clips.
        """
        if rule != 'clips':
            values, counted = measure(self.pred, self.target, self.counted)
            summed, count = float(values[counted].sum()), float(counted.sum())
            frames = self.num_frames
            return (summed / count * frames, frames) if rule == 'frames' and count else (summed, count)
        if not clip_len or len(self.frames) % clip_len:
            raise InputError(f'{len(self.frames)} poses are predicted, expected clips of {clip_len}; give clip_len')
        parts = (a.reshape(-1, clip_len, *a.shape[1:]) for a in (self.pred, self.target, self.counted))
        values, counted = measure(*parts)
        shown = self.frames.reshape(-1, clip_len)[:, : values.shape[1]]
        last = np.ones(shown.shape)
        last[:, :-1] = shown[:, 1:] != shown[:, :-1]
        weights = last / np.maximum(np.bincount(self.frames, self.weights > 0), 1)[shown]
        weights *= np.bincount(self.frames, self.weights)[shown] > 0
        return float((values * weights[..., None] * counted).sum()), self.total(joint_distances)[1]

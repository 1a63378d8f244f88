"""The metric of recovered bodies over a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import check_choice
from ...registry import METRICS
from ..functional.distances import as_array
from ..functional.mesh import mesh_distances
from .group_table import SequenceScore
from .grouped_metric import GroupedMetric
from .pose_metric import MM_PER_METRE
from .protocols import predicted_frames

CHUNK = 128  # frames at a time: a mesh is 400 times a pose


@METRICS.register_module()
class MeshMetric(GroupedMetric):
    """Errors of meshes and of the regressor's joints in millimetres, all relative to joint 0 of the body.

    ``process`` takes samples with ``pred_vertices`` (P, V, 3), ``vertices`` (T, V, 3), ``pred_keypoints_3d`` (P, 17, 3)
    and ``lifting_target`` (T, 17, 3) of h36m17, all in metres, perhaps ``pred_frames`` (P,) and ``smpl_weight`` (T,), 0
    for frames without a label. A frame that is predicted several times counts with the mean of its errors.

    The protocol ``'motionbert'``, as released, counts clips side by side: of T frames the first predictions, as many
    as fill whole clips, so windows must be kept apart (``merge=False``); the rest of a sequence does not count.

    Returned keys: ``MPVE``, ``MPJPE``, ``PA-MPJPE`` (14 joints), ``MPJPE-17``, ``PA-MPJPE-17``, as for
    :class:`PoseMetric`; the overall figure is the mean over all frames.

    Args:
        group_by: see :class:`GroupedMetric`.
        protocol: ``'clean'`` or ``'motionbert'``, which stands before the keys then.
        clip_len: frames of a clip (``'motionbert'``).
        **kwargs: of mmengine's ``BaseMetric``.

    Raises:
        InputError: an unknown protocol.
    """

    fields = ('pred_vertices', 'vertices', 'pred_keypoints_3d', 'lifting_target')
    labels = {key: key.upper().replace('_', '-') for key in ('mpve', 'mpjpe', 'pa_mpjpe', 'mpjpe_17', 'pa_mpjpe_17')}

    def __init__(
        self, group_by: Sequence[str] = ('action_name',), protocol: str = 'clean', clip_len: int = 16, **kwargs: Any
    ) -> None:
        check_choice('MeshMetric: protocol', protocol, ('clean', 'motionbert'))
        self.clip_len = clip_len if protocol == 'motionbert' else 1
        kwargs.setdefault('prefix', protocol if protocol != 'clean' else None)
        units = f'protocol {protocol}; mm; MPJPE and PA-MPJPE on 14 joints'
        super().__init__(group_by, 'all_frames', units, **kwargs)

    def entry(self, sample: Mapping[str, Any]) -> SequenceScore:
        keys = self.fields
        length = len(sample.get(keys[1]))
        frames = predicted_frames(sample, len(sample.get(keys[0])), length)
        weights = 1 / np.bincount(frames)[frames]
        if self.clip_len > 1:
            weights = 1.0 * (np.arange(len(frames)) < length // self.clip_len * self.clip_len)
        if sample.get('smpl_weight') is not None:
            weights *= (as_array(sample.get('smpl_weight')) > 0)[frames]
        kept, sums = np.flatnonzero(weights), dict.fromkeys(self.labels, (0.0, 0.0))
        for part in np.split(kept, range(CHUNK, len(kept), CHUNK)):
            shown = [sample.get(key)[rows] for key, rows in zip(keys, (part, frames[part]) * 2, strict=True)]
            for key, (values, _) in mesh_distances(*shown).items():
                total, count = (weights[part] * values.sum(-1)).sum(), weights[part].sum() * values.shape[-1]
                sums[key] = (sums[key][0] + float(total) * MM_PER_METRE, sums[key][1] + float(count))
        return SequenceScore(self.groups_of(sample), round(float(weights.sum())), sums)

"""Percentages of joints and of poses whose error is below, or above, a threshold."""

from typing import Any

import numpy as np

from ...skeletons import get_skeleton
from .distances import Distances, joint_distances, mean

PCK_THRESHOLD = 150.0
AUC_THRESHOLDS = np.arange(0.0, 151.0, 5.0)
# MPI-INF-3DHP's kit; h36m17 calls the neck thorax. Pelvis, spine and the joint inside the head are in no group.
_PAIRS = ('Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle')
_KIT_GROUPS = {'Head': ('head_top',), 'Neck': ('neck', 'thorax')}
_KIT_GROUPS |= {pair: (f'left_{pair.lower()}', f'right_{pair.lower()}') for pair in _PAIRS}


def pck_scores(pred: Any, target: Any, visible: Any = None, threshold: float = PCK_THRESHOLD) -> Distances:
    """100 for each joint that is strictly nearer than ``threshold``, else 0: ((..., J) scores, (..., J) counted)."""
    distances, counted = joint_distances(pred, target, visible)
    return 100.0 * (distances < threshold), counted


def auc_scores(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Mean of :func:`pck_scores` over the thresholds 0, 5, ..., 150: ((..., J) scores, (..., J) counted)."""
    distances, counted = joint_distances(pred, target, visible)
    passed = len(AUC_THRESHOLDS) - np.searchsorted(AUC_THRESHOLDS, distances, side='right')
    return 100.0 * passed / len(AUC_THRESHOLDS), counted


def under_scores(pred: Any, target: Any, visible: Any = None, limit: float = 30.0) -> Distances:
    """100 for each pose whose mean joint error is strictly below ``limit``, else 0: ((..., 1), (..., 1))."""
    distances, counted = joint_distances(pred, target, visible)
    labelled = counted.sum(-1, keepdims=True)
    errors = (distances * counted).sum(-1, keepdims=True) / np.maximum(labelled, 1)
    return 100.0 * (errors < limit), labelled > 0


def over_scores(pred: Any, target: Any, visible: Any = None, limit: float = 40.0) -> Distances:
    """100 less :func:`under_scores`."""
    scores, counted = under_scores(pred, target, visible, limit)
    return 100.0 - scores, counted


def kit_groups(skeleton: str) -> dict[str, list[int]]:
    """The joints of a joint set that MPI-INF-3DHP's kit counts (14 of its 17), by group, and ``Total``."""
    names = get_skeleton(skeleton).joint_names
    groups = {group: [names.index(j) for j in joints if j in names] for group, joints in _KIT_GROUPS.items()}
    groups = {group: joints for group, joints in groups.items() if joints}
    return {**groups, 'Total': sorted(j for joints in groups.values() for j in joints)}


def pck_by_group(
    pred: Any, target: Any, threshold: float = PCK_THRESHOLD, visible: Any = None, skeleton: str = 'mpi_inf_3dhp17'
) -> dict[str, float]:
    """:func:`pck_3d` of the groups of MPI-INF-3DHP's kit, and ``Total``, over their 14 joints together.

    Arguments and errors as :func:`pck_3d`; ``skeleton`` names the joint set.
    """
    scores, counted = pck_scores(pred, target, visible, threshold)
    groups = kit_groups(skeleton)
    return {group: mean(lambda *_, j=j: (scores[..., j], counted[..., j]), pred, target) for group, j in groups.items()}


def pck_3d(pred: Any, target: Any, threshold: float = PCK_THRESHOLD, visible: Any = None) -> float:
    """Percentage of joints whose error is strictly below a threshold; aligns nothing.

    All joints given count; :func:`pck_by_group` counts those of MPI-INF-3DHP's kit.

    Source: Mehta et al., "Monocular 3D human pose estimation in the wild using improved CNN supervision" (3DV 2017).

    Args:
        pred: (..., J, 3) root-relative poses, numpy or torch.
        target: (..., J, 3) true root-relative poses in the same unit and frame.
        threshold: in the unit of the poses; the default 150 means millimetres.
        visible: (..., J), 0 where the target has no label; such joints do not count.

    Returns:
        Percent, 0 to 100.

    Raises:
        InputError: shapes disagree, a coordinate that counts is not finite, or nothing is labelled.
    """
    return mean(lambda *pair: pck_scores(*pair, threshold), pred, target, visible)


def auc_3d(pred: Any, target: Any, visible: Any = None) -> float:
    """Mean of :func:`pck_3d` over the 31 thresholds 0, 5, ..., 150; aligns nothing.

    No error is strictly below 0, so a perfect prediction reaches 100 * 30 / 31.

    Arguments and errors as :func:`pck_3d`; millimetres.
    """
    return mean(auc_scores, pred, target, visible)

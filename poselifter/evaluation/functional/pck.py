"""Share of correct keypoints, at one threshold and averaged over thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from .distances import Distances, joint_distances, mean

PCK_THRESHOLD = 150.0
AUC_THRESHOLDS = np.arange(0.0, 151.0, 5.0)


def pck_scores(pred: Any, target: Any, visible: Any = None, threshold: float = PCK_THRESHOLD) -> Distances:
    """100 for each joint that is strictly nearer than ``threshold``, else 0: ((..., J) scores, (..., J) counted)."""
    distances, counted = joint_distances(pred, target, visible)
    return 100.0 * (distances < threshold), counted


def auc_scores(pred: Any, target: Any, visible: Any = None) -> Distances:
    """Mean of :func:`pck_scores` over the thresholds 0, 5, ..., 150: ((..., J) scores, (..., J) counted)."""
    distances, counted = joint_distances(pred, target, visible)
    passed = len(AUC_THRESHOLDS) - np.searchsorted(AUC_THRESHOLDS, distances, side='right')
    return 100.0 * passed / len(AUC_THRESHOLDS), counted


def pck_3d(pred: Any, target: Any, threshold: float = PCK_THRESHOLD, visible: Any = None) -> float:
    """Percentage of joints whose error is strictly below a threshold; aligns nothing.

    All joints given count. MPI-INF-3DHP's kit counts 14: neither pelvis, spine
    nor head, so select joints 0-13 of its 17 before for its numbers.

    Source: Mehta et al., "Monocular 3D human pose estimation in the wild using
    improved CNN supervision" (3DV 2017).

    Args:
        pred: (..., J, 3) root-relative poses, numpy or torch.
        target: (..., J, 3) true root-relative poses in the same unit and frame.
        threshold: in the unit of the poses; the default 150 means millimetres.
        visible: (..., J), 0 where the target has no label; such joints do not count.

    Returns:
        Percent, 0 to 100.

    Raises:
        InputError: shapes disagree, a coordinate that counts is not finite, or
            nothing is labelled.
    """
    return mean(lambda *pair: pck_scores(*pair, threshold), pred, target, visible)


def auc_3d(pred: Any, target: Any, visible: Any = None) -> float:
    """Mean of :func:`pck_3d` over the 31 thresholds 0, 5, ..., 150; aligns nothing.

    No error is strictly below 0, so a perfect prediction reaches 100 * 30 / 31.

    Args:
        pred: (..., J, 3) root-relative poses in millimetres, numpy or torch.
        target: (..., J, 3) true root-relative poses in millimetres.
        visible: (..., J), 0 where the target has no label; such joints do not count.

    Returns:
        Percent, 0 to 96.77.

    Raises:
        InputError: as :func:`pck_3d`.
    """
    return mean(auc_scores, pred, target, visible)

"""The figures that :class:`PoseMetric` reports, open to plugins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...registry import MEASURES
from ..functional.distances import (
    Distances,
    acceleration_distances,
    aligned_distances,
    joint_distances,
    scaled_distances,
    velocity_distances,
)
from ..functional.pck import auc_scores, over_scores, pck_scores, under_scores


@dataclass(frozen=True)
class Measure:
    """An error of poses; ``MEASURES.register_module('name', module=Measure(...))`` lets configs name it.

    Attributes:
        label: heading of tables and key of results, ``'MPJPE'``.
        function: see :mod:`~poselifter.evaluation.functional.distances`; poses are in mm.
        unit: of the result.
        over_time: whether it compares differences between frames, such as
            velocities, one value a joint, instead of single poses.
        kit_joints: whether it counts the 14 joints of MPI-INF-3DHP's kit only, where the protocol asks for them.
    """

    label: str
    function: Callable[..., Distances]
    unit: str = 'mm'
    over_time: bool = False
    kit_joints: bool = False

    def __call__(self, pred: Any, target: Any, visible: Any) -> Distances:
        """Poses (..., J, 3), mm, and label weights (..., J) to values and which of them count."""
        return self.function(pred, target, visible)


for _name, _measure in {
    'mpjpe': Measure('MPJPE', joint_distances),
    'p_mpjpe': Measure('P-MPJPE', aligned_distances),
    'n_mpjpe': Measure('N-MPJPE', scaled_distances),
    'mpjve': Measure('MPJVE', velocity_distances, 'mm a frame', over_time=True),
    'mpjae': Measure('MPJAE', acceleration_distances, 'mm a frame squared', over_time=True),
    'pck': Measure('PCK', pck_scores, 'percent', kit_joints=True),
    'auc': Measure('AUC', auc_scores, 'percent', kit_joints=True),
    'under_30': Measure('under30', under_scores, 'percent'),
    'over_40': Measure('over40', over_scores, 'percent'),
}.items():
    MEASURES.register_module(_name, module=_measure)

"""Metrics of a data set, for mmengine's evaluator."""

from .group_table import GroupTable, SequenceScore
from .pose_metric import PoseMetric

__all__ = ['GroupTable', 'PoseMetric', 'SequenceScore']

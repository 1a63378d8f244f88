"""Metrics of a data set, for mmengine's evaluator."""

from .action_metric import ActionMetric, FewShotMetric, OneShotMetric
from .group_table import GroupTable, SequenceScore
from .mesh_metric import MeshMetric
from .pose_metric import PoseMetric
from .protocols import PROTOCOLS, Protocol

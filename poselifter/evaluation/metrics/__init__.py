"""Metrics of a data set, for mmengine's evaluator."""

from ...utils import import_modules
from .action_metric import ActionMetric, FewShotMetric, OneShotMetric
from .dump_predictions import DumpPredictions
from .group_table import GroupTable, SequenceScore
from .measures import Measure
from .mesh_metric import MeshMetric
from .pose_metric import PoseMetric
from .protocols import PROTOCOLS, Protocol

import_modules(__name__)

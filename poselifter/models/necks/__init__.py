"""Necks: fuse streams of features, mix frames, or pool them."""

from ...utils import import_modules
from .class_token_pool import ClassTokenPool, TextPool
from .fusion import AdaptiveFusion, AverageFusion, ConcatFusion, SumFusion
from .many_to_one import ManyToOneAggregator, WeightedFrameMean

import_modules(__name__)

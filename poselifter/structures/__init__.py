"""Data structures: samples, windows of clips, tables of keypoints, results."""

from ..utils import import_on_demand
from .keypoint_table import KeypointTable
from .result import MovingBody, Result
from .sample_keys import SAMPLE_KEYS, KeySpec, check_sample, frame_axis
from .window_policy import WindowPolicy, Windows

__getattr__ = import_on_demand(__name__, {'MotionDataSample': 'motion_data_sample'})  # which needs torch

"""Data structures: samples, windows of clips, tables of keypoints, results."""

from .keypoint_table import KeypointTable
from .motion_data_sample import MotionDataSample
from .result import MovingBody, Result
from .sample_keys import SAMPLE_KEYS, KeySpec, check_sample, frame_axis
from .window_policy import WindowPolicy, Windows

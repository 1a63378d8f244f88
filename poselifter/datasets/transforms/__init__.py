"""Transforms of sample dicts: pixel space, then ``Encode``, then network space."""

from ...utils import import_modules
from .base import BatchTransform, ForeignTransform, Transform, build_pipeline, next_rng
from .bodies import PoseBody, StraightenLimbs, TimeWarp, VaryBody, VaryPose
from .body_detections import BodyDetections
from .clips import ChangeFrameRate, EdgePad, RandomWindow, ResampleClip
from .detection import DetectedJoints, KeypointNoise
from .detector_errors import DetectorErrors, MissingParts
from .formatting import ConvertJoints, Encode, PackPose
from .geometric import CropScale, CropScale3D, RandomMove
from .masks import (
    BodyPartMask,
    FrameMask,
    FrameRemoval,
    JointMask,
    JointReplacement,
    Mask,
    MaskMixture,
    SpanMask,
    TimeWindowMask,
)
from .network_space import FlipPose, TargetFrom2D
from .noise import FittedNoise, FrameShuffle, GaussianNoise, LowScores, SwapSides
from .virtual_camera import VirtualCamera
from .wide_camera import WideCamera

import_modules(__name__)

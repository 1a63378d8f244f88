"""Backbones: clips of keypoints to features, knowing nothing of the task."""

from ...utils import import_modules
from ..parts import BaseBackbone
from .actionpose import ActionPose
from .dstformer import DSTformer
from .mixste import MixSTE
from .motionagformer import MotionAGFormer
from .poseformer import PoseFormer
from .stmo import STMO
from .temporal_conv_net import TemporalConvNet

import_modules(__name__)

"""Heads: features to predictions, with the losses that train them."""

from ...utils import import_modules
from .action_head import ActionEmbeddingHead, ActionHead
from .body_head import AnyBodyHead
from .masked_pose_head import MaskedPoseHead
from .mesh_head import MeshHead
from .mesh_refine_head import MeshRefineHead
from .pose_head import PoseHead
from .pose_refiner import PoseRefiner, reproject_depth
from .text_motion_head import TextMotionHead

import_modules(__name__)

"""Losses: functions (pred, target, ...) -> 0-dim tensor, and registered modules over them."""

from ...utils import import_modules
from .contrastive import focal_kl_contrastive, supervised_contrastive
from .distillation import context_targets, self_distillation
from .functional import joint_l1, motion, mpjpe, n_mpjpe, reprojection, temporal_consistency, velocity, weighted_mpjpe
from .limbs import (
    bone_angle,
    bone_angle_velocity,
    bone_length_consistency,
    bone_velocity,
    limb_length,
    limb_length_variance,
    limb_symmetry,
)
from .mesh import body_shape, bone_rotation, smpl_norm, smpl_pose, smpl_shape
from .modules import (
    BodyShapeLoss,
    BoneAngleLoss,
    BoneAngleVelocityLoss,
    BoneRotationLoss,
    BoneVelocityLoss,
    JointL1Loss,
    LimbLengthLoss,
    LimbLengthVarianceLoss,
    LimbSymmetryLoss,
    MotionLoss,
    MPJPELoss,
    NMPJPELoss,
    ReprojectionLoss,
    SMPLNormLoss,
    SMPLPoseLoss,
    SMPLShapeLoss,
    TemporalConsistencyLoss,
    VelocityLoss,
    WeightedMPJPELoss,
    module_of,
)

import_modules(__name__)

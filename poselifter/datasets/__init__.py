"""Datasets (one file a source format), their transforms and samplers."""

from ..utils import import_modules
from . import transforms
from .amass import AMASSDataset, BABELDataset, read_babel
from .clip_batch import stack_clips
from .cmu_mocap import CMUMocapDataset, HDM05Dataset
from .cmu_skeletons import CMUSkeletonDataset
from .coco_keypoints import COCOKeypointsDataset
from .human36m import Human36mDataset
from .human36m_mmpose import Human36mMMPoseDataset
from .human36m_motionbert import Human36mMotionBERTDataset
from .humaneva import HumanEvaDataset
from .instavariety import InstaVarietyDataset
from .mesh import MeshDataset
from .mixing import ConcatDataset, SourceBatchSampler
from .mpi_inf_3dhp import MPIINF3DHPDataset
from .ntu import NTUActionDataset
from .posetrack import PoseTrackDataset
from .procedural_motion import ProceduralMotion
from .samplers import BalancedSampler, ClassPairSampler, EpochSampler
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, Table
from .skeleton_action import SkeletonActionDataset
from .smpl_estimates import SMPLEstimates, read_smpl_estimates

import_modules(__name__)

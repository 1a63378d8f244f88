"""Body models: vertices from joint rotations and shape. Licensed arrays are never part of a checkpoint."""

from .anny import AnnyBody
from .articulation import Articulation, carry_rotations
from .body_joints import BodyJoints
from .body_model import BodyModel, RestBody
from .fitting import BodyMotion, Ground, Known, fit_body
from .loading import load_body_model
from .smpl import SMPL

"""Body models: vertices from joint rotations and shape. Licensed arrays are never part of a checkpoint."""

from .anny import AnnyBody
from .anny_fitting import AnnyJoints, Ground, fit_anny
from .fitting import BodyMotion, JointsOfBody, fit_body
from .loading import load_body_model
from .smpl import SMPL

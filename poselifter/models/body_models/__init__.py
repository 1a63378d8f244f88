"""Body models: vertices from joint rotations and shape. Their licensed arrays are never part of a checkpoint."""

from .fitting import BodyMotion, JointsOfBody, fit_body
from .loading import load_body_model
from .smpl import SMPL

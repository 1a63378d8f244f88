"""Body models: vertices from joint rotations and shape. Their licensed arrays are never part of a checkpoint."""

from .loading import load_body_model
from .smpl import SMPL

__all__ = ['SMPL', 'load_body_model']

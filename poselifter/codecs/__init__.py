"""Network space <-> camera space. A model is always decoded by the codec it was trained with."""

from ..utils import import_modules
from .base import BaseCodec
from .image_space import ImageSpaceLifting, ScreenScaledLifting
from .keypoint_clips import KeypointClips
from .root_relative import RootRelativeLifting

import_modules(__name__)

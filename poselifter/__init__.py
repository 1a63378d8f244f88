"""poselifter: human motion from 2D keypoints."""

from .errors import InputError
from .utils import register_all_modules
from .version import __version__

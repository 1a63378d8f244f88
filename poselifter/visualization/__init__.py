"""Pictures, animations and interactive pages of 2D keypoints and 3D poses."""

from .actions import save_actions
from .animation import save_animation
from .body import save_body_animation
from .html import save_html
from .picture import save_picture

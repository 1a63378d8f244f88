"""Pictures, animations and interactive pages of 2D keypoints and 3D poses."""

from .animation import save_animation
from .html import save_html
from .picture import save_picture

__all__ = ['save_animation', 'save_html', 'save_picture']

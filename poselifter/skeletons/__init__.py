"""Joint sets as data, and named conversions between them."""

from .convert import Conversion, convert_keypoints, find_conversion, list_conversions
from .demo_conversion import convert_coco_demo
from .flip import flip_keypoints
from .skeleton import Skeleton, get_skeleton, list_skeletons

__all__ = [
    'Conversion',
    'Skeleton',
    'convert_coco_demo',
    'convert_keypoints',
    'find_conversion',
    'flip_keypoints',
    'get_skeleton',
    'list_conversions',
    'list_skeletons',
]

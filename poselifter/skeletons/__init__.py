"""Joint sets as data, and named conversions between them."""

from .convert import Conversion, convert_keypoints, find_conversion, list_conversions
from .demo_conversion import convert_coco_demo
from .flip import flip_bone_rotations, flip_keypoints, flip_smpl_pose, mirror_text
from .skeleton import Skeleton, add_skeleton, get_skeleton, list_skeletons

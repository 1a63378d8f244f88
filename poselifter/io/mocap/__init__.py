"""Motion capture files: Acclaim ASF/AMC and BVH, and CMU's bodies as ``cmu17``."""

from .amc import read_amc
from .asf import AsfSkeleton, read_asf
from .bvh import read_bvh
from .clips import FPS, UNIT_M, Clip, cut_clips
from .cmu17 import BODIES, body_of, to_cmu17
from .cmu_index import (
    BROKEN,
    CREDIT,
    SPLITS,
    action_of,
    parse_clip_id,
    read_index,
    source_fps,
    split_of,
)
from .motion import Motion

"""Files of other tools in, files of ours out."""

from .readers import describe_table, read_keypoints
from .writers import LiftedTable, read_lifted, write_keypoints, write_lifted

"""Files of other tools in, files of ours out."""

from .readers import describe_table, expected_inputs, read_keypoints
from .writers import check_formats, list_formats, read_result, write_keypoints, write_results

"""Files of other tools in, files of ours out."""

from .convert import convert_file, motion_result
from .readers import describe_table, expected_inputs, notes_on, read_keypoints
from .writers import (
    check_formats,
    check_target,
    check_targets,
    existing_files,
    file_names,
    list_formats,
    read_result,
    result_files,
    writable_formats,
    write_keypoints,
    write_results,
)

"""Writers of results; those that draw are in ``poselifter.visualization``."""

from ...utils import import_modules
from . import bodies, glb
from .exchange import read_result, write_keypoints
from .write_results import (
    check_formats,
    check_target,
    check_targets,
    existing_files,
    file_names,
    list_formats,
    result_files,
    writable_formats,
    write_results,
)

import_modules(__name__)

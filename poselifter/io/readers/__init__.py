"""Readers of other tools' 2D results; one file a format."""

from ...utils import import_modules
from .document import Detections, Document, expected_inputs, list_readers, open_document
from .read_keypoints import describe_table, notes_on, read_keypoints

import_modules(__name__)

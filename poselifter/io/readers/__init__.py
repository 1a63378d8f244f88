"""Readers of other tools' 2D results; one file a format."""

from . import alphapose, coco, exchange, mmpose, videopose3d
from .document import Detections, Document, expected_inputs, list_readers, open_document
from .read_keypoints import describe_table, read_keypoints

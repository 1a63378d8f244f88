"""Readers of other tools' 2D results; one file a format."""

from .read_keypoints import READERS, describe_table, read_keypoints

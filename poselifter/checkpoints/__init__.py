"""Checkpoints: reading them without executing anything, writing them whole, and those of the published systems."""

from .joints import match_checkpoint
from .loading import (
    FORMAT_VERSION,
    check_codec,
    check_kinds,
    load_checkpoint_file,
    load_weights,
    read_official,
    save_checkpoint_file,
)
from .official import Official, convert_official, export_official, official_weights
from .systems import SYSTEMS

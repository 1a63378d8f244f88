"""Checkpoints: reading them without executing anything, writing them whole, and those of the published systems."""

from .loading import check_codec, load_checkpoint_file, load_weights, read_official, save_checkpoint_file
from .official import (
    Official,
    convert_official,
    export_official,
    load_official_weights,
    network_of,
)
from .systems import SYSTEMS

__all__ = [
    'SYSTEMS',
    'Official',
    'check_codec',
    'convert_official',
    'export_official',
    'load_checkpoint_file',
    'load_official_weights',
    'load_weights',
    'network_of',
    'read_official',
    'save_checkpoint_file',
]

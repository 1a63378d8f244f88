"""Checkpoints: reading them without executing anything, writing them whole."""

from .loading import check_codec, load_checkpoint_file, load_weights, save_checkpoint_file

__all__ = ['check_codec', 'load_checkpoint_file', 'load_weights', 'save_checkpoint_file']

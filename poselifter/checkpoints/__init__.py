"""Checkpoints: reading them without executing anything, writing them whole."""

from .loading import load_checkpoint_file, load_weights, save_checkpoint_file

__all__ = ['load_checkpoint_file', 'load_weights', 'save_checkpoint_file']

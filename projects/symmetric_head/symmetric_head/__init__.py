"""A pose head that likes left and right limbs of equal length: a worked example of a plugin."""

from .head import SymmetricPoseHead

__all__ = ['SymmetricPoseHead']

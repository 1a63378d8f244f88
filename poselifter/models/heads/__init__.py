"""Heads: features to predictions, with the losses that train them."""

from .pose_head import PoseHead

__all__ = ['PoseHead']

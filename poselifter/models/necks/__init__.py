"""Necks: what joins streams of features."""

from .fusion import AdaptiveFusion, AverageFusion, ConcatFusion, SumFusion

__all__ = ['AdaptiveFusion', 'AverageFusion', 'ConcatFusion', 'SumFusion']

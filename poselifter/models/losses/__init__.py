"""Losses: functions (pred, target, ...) -> 0-dim tensor, and registered modules over them."""

from .functional import mpjpe, n_mpjpe, temporal_consistency, velocity, weighted_mpjpe
from .modules import MPJPELoss, NMPJPELoss, TemporalConsistencyLoss, VelocityLoss, WeightedMPJPELoss

__all__ = [
    'MPJPELoss',
    'NMPJPELoss',
    'TemporalConsistencyLoss',
    'VelocityLoss',
    'WeightedMPJPELoss',
    'mpjpe',
    'n_mpjpe',
    'temporal_consistency',
    'velocity',
    'weighted_mpjpe',
]

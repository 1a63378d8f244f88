"""Metrics as functions: arrays in, one number out; unit in = unit out."""

from .pck import auc_3d, pck_3d
from .pose_error import mpjae, mpjpe, mpjve, n_mpjpe, p_mpjpe

__all__ = ['auc_3d', 'mpjae', 'mpjpe', 'mpjve', 'n_mpjpe', 'p_mpjpe', 'pck_3d']

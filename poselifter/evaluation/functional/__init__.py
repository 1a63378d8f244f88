"""Metrics as functions: arrays in, numbers out; unit in = unit out."""

from .classification import (
    bootstrap_interval,
    confusion_matrix,
    few_shot_accuracies,
    mean_class_accuracy,
    nearest_exemplar,
    top_k_accuracy,
)
from .mesh import evaluate_mesh
from .pck import auc_3d, pck_3d, pck_by_group
from .pose_error import mpjae, mpjpe, mpjve, mpve, n_mpjpe, p_mpjpe

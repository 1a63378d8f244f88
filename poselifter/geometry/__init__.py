"""Cameras, projections, rotations, alignment: pure functions for numpy arrays and tensors."""

from .cameras import Camera, backproject, camera_to_world, look_at, project, world_to_camera
from .image_space import camera_to_image_space
from .normalize import crop_scale, denormalize_screen, normalize_longer_side, normalize_screen
from .procrustes import procrustes, procrustes_align
from .rotations import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_conjugate,
    quaternion_rotate,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
)
from .surface import vertex_normals

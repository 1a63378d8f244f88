import numpy as np
import pytest

from poselifter.geometry import Camera, quaternion_conjugate, quaternion_to_matrix


@pytest.fixture
def h36m_camera():
    """Makes a camera of VideoPose3D's vector (fx, fy, cx, cy, k1, k2, k3, p1, p2) and camera-to-world q, t."""

    def make(intrinsic, orientation=(1, 0, 0, 0), translation=(0, 0, 0)):
        intrinsic = np.asarray(intrinsic, np.float64)
        rotation = quaternion_to_matrix(quaternion_conjugate(np.asarray(orientation, np.float64)))
        parts = np.split(intrinsic, [2, 4, 7], axis=-1)
        return Camera(*parts, rotation=rotation, position=translation)

    return make

"""MotionBERT's 2.5D image space: pixels in x and y, root-relative depth in pixels of the root's distance.

Convention: x, y are the perspective projection; depth is positive behind the root; ``factor`` (mm per pixel) turns
image-space lengths near the root's depth into millimetres, one number a frame.
"""

from .arrays import Array, namespace
from .cameras import Camera, project

_SQUARE_MM = 2000.0  # side of the square around the root whose drawn width gives the factor
_MM = 1000.0


def camera_to_image_space(points: Array, camera: Camera, root: int = 0, distort: bool = True) -> tuple[Array, Array]:
    """Brings poses of the camera frame to the 2.5D image space.

    A square of 2 m around the root is drawn w = 2000 f_x / Z_root pixels wide;
    factor = 2000 / (w + 0.001), depth = (Z - Z_root) / factor.

    Args:
        points: (..., J, 3) camera frame, metres, numpy or torch.
        camera: one camera for all poses.
        root: index of the root joint.
        distort: whether the projection includes the lens distortion.

    Returns:
        (..., J, 3) pixels, and the factor (...,) in mm per pixel.

    Source: MotionBERT's Human3.6M file, as MMPose derives it.

    Example:
        >>> import numpy as np
        >>> camera = Camera(focal=(1000, 1000), centre=(500, 500))
        >>> pose = np.array([[0., 0., 4.], [1., 0., 4.], [0., 0., 5.]])  # the root, 1 m to the right, 1 m behind
        >>> image, factor = camera_to_image_space(pose, camera)
        >>> image.round(1).tolist(), float(factor.round(3))
        ([[500.0, 500.0, 0.0], [750.0, 500.0, 0.0], [500.0, 500.0, 250.0]], 4.0)
    """
    root_depth = points[..., root, 2]
    width = _SQUARE_MM / _MM * float(camera.focal[0]) / root_depth
    factor = _SQUARE_MM / (width + 0.001)
    depth = (points[..., 2] - root_depth[..., None]) * _MM / factor[..., None]
    return namespace(points).concatenate([project(points, camera, distort), depth[..., None]], -1), factor

"""MotionBERT's 2.5D image space: pixels in x and y, root-relative depth in pixels of the root's distance.

Convention: x, y are the perspective projection; depth is positive behind the root; ``factor`` (mm per pixel) turns
image-space lengths near the root's depth into millimetres, one number a frame.
"""

from .arrays import Array, namespace
from .cameras import Camera, backproject, project
from .normalize import denormalize_screen, normalize_screen

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


def image_space_to_camera(
    image: Array, factor: Array, root_depth: Array, camera: Camera, distort: bool = True
) -> Array:
    """Brings poses (..., J, 3) back to the camera frame, metres: the inverse of :func:`camera_to_image_space`.

    ``root_depth`` (...,) is Z of the root, metres, which the image space does not hold.
    """
    depth = image[..., 2] * factor[..., None] / _MM + root_depth[..., None]
    return backproject(image[..., :2], depth, camera, distort)


def image_space_to_root_relative(image: Array, factor: Array, root: int = 0) -> Array:
    """Poses (..., J, 3) in metres relative to the root by the factor (...,), mm per pixel, alone.

    This is what MotionBERT scores; perspective within the body is ignored.
    """
    return (image - image[..., root : root + 1, :]) * factor[..., None, None] / _MM


def normalize_image_space(image: Array, width: float, height: float) -> Array:
    """Maps pixels (..., 3) to network coordinates: x, y as on the screen, depth by the same scale 2 / width."""
    flat = normalize_screen(image[..., :2], width, height)
    return namespace(image).concatenate([flat, image[..., 2:] * 2 / width], -1)


def denormalize_image_space(x: Array, width: float, height: float) -> Array:
    """Maps network coordinates (..., 3) back to pixels: the inverse of :func:`normalize_image_space`."""
    flat = denormalize_screen(x[..., :2], width, height)
    return namespace(x).concatenate([flat, x[..., 2:] * width / 2], -1)

"""The pinhole camera: world to camera to pixels, and back.

Convention: camera frame x right, y down, z forward; world (mocap) z up;
metres; points are rows, so ``camera = (world - position) @ rotation.T``.
"""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import InputError
from .arrays import Array, as_like, namespace
from .normalize import normalize_screen

_SHAPES = {'focal': (2,), 'centre': (2,), 'radial': (3,), 'tangential': (2,), 'rotation': (3, 3), 'position': (3,)}


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera: intrinsics, lens distortion and pose; numpy arrays or tensors.

    Fields may have leading axes: with (B, ...) they hold one camera for each clip of points (B, T, J, 3).

    Attributes:
        focal: (2,) focal length in x and y, pixels.
        centre: (2,) principal point, pixels.
        radial: (3,) coefficients k1, k2, k3.
        tangential: (2,) coefficients p1, p2, in VideoPose3D's order (see :func:`project`).
        rotation: (3, 3) world to camera; its rows are the camera's axes in the world.
        position: (3,) the camera's centre in the world, metres.
        size: (width, height) in pixels; ``None`` if unknown.

    Raises:
        InputError: a field has a wrong shape.
    """

    focal: Any
    centre: Any
    radial: Any = field(default_factory=lambda: np.zeros(3))
    tangential: Any = field(default_factory=lambda: np.zeros(2))
    rotation: Any = field(default_factory=lambda: np.eye(3))
    position: Any = field(default_factory=lambda: np.zeros(3))
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            value = np.asarray(value, np.float64) if namespace(value) is np else value
            if tuple(value.shape[-len(shape) :]) != shape:
                raise InputError(f'camera: {name} has shape {tuple(value.shape)}, expected {shape}')
            object.__setattr__(self, name, value)
        if self.size is not None:
            object.__setattr__(self, 'size', tuple(int(side) for side in self.size))

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain lists and numbers, for files; :meth:`from_dict` reads them."""
        return {name: getattr(self, name).tolist() for name in _SHAPES} | {'size': self.size}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> 'Camera':
        """The camera that :meth:`to_dict` wrote.

        Raises:
            InputError: a field is unknown or missing.
        """
        names = {f.name for f in fields(cls)}
        if not {'focal', 'centre'} <= set(values) <= names:
            raise InputError(
                f'camera has the fields {sorted(values)}, expected focal, centre and perhaps others of {sorted(names)}'
            )
        return cls(**values)

    def normalized(self) -> 'Camera':
        """The camera that draws in the coordinates of :func:`~poselifter.geometry.normalize_screen`.

        Raises:
            InputError: the size is not known.
        """
        if self.size is None:
            raise InputError('camera has no size; give the picture as size=(width, height)')
        focal, centre = self.focal * (2 / self.size[0]), normalize_screen(self.centre, *self.size)
        return Camera(focal, centre, self.radial, self.tangential, self.rotation, self.position)


def world_to_camera(points: Array, camera: Camera) -> Array:
    """Points (..., 3) from the world to the camera frame, metres.

    Args:
        points: (..., 3) world, numpy or torch.
        camera: uses ``rotation`` and ``position``.

    Returns:
        (..., 3) camera frame, same kind and dtype.

    Example:
        A camera at the origin that looks along the world's y sees what is above it at negative y:

        >>> camera = Camera(focal=(1, 1), centre=(0, 0), rotation=look_at((0, 0, 0), (0, 1, 0)))
        >>> world_to_camera(np.array([2., 5., 1.]), camera).tolist()
        [2.0, -1.0, 5.0]
    """
    rotation = namespace(points).swapaxes(_spread(camera.rotation, points, 2), -1, -2)
    return (points - _spread(camera.position, points)) @ rotation


def camera_to_world(points: Array, camera: Camera) -> Array:
    """Points (..., 3) from the camera frame to the world: the inverse of :func:`world_to_camera`."""
    return points @ _spread(camera.rotation, points, 2) + _spread(camera.position, points)


def project(points: Array, camera: Camera, distort: bool = True) -> Array:
    """Draws points of the camera frame: (..., 3) metres -> (..., 2) pixels.

    With u, v = X / Z, Y / Z clamped to [-1, 1] (90 degrees of view) and
    r2 = u^2 + v^2::

        (u', v') = (u, v) (1 + k1 r2 + k2 r2^2 + k3 r2^3 + p1 u + p2 v) + (p1, p2) r2
        pixel = focal (u', v') + centre

    Convention: p1 goes with x and p2 with y, and the cross terms lack OpenCV's
    factor 2: this is not ``cv2.projectPoints``.

    Args:
        points: (..., 3) camera frame, numpy or torch; Z > 0 is in front.
        camera: the intrinsic fields; of :meth:`Camera.normalized` for network coordinates.
        distort: ``False`` leaves the distortion out and keeps the clamp.

    Returns:
        (..., 2) pixels, same kind and dtype. The clamp has no gradient outside.

    Source: VideoPose3D, ``project_to_2d`` and ``project_to_2d_linear``.

    Example:
        >>> camera = Camera(focal=(1000, 1000), centre=(500, 250))
        >>> project(np.array([0.2, -0.1, 2.0]), camera).tolist()
        [600.0, 200.0]
    """
    flat = namespace(points).clip(points[..., :2] / points[..., 2:], -1, 1)
    flat = _distort(flat, camera) if distort else flat
    return flat * _spread(camera.focal, points) + _spread(camera.centre, points)


def backproject(pixels: Array, depth: Array, camera: Camera, distort: bool = True) -> Array:
    """Points of the camera frame that are drawn at ``pixels`` in the given depth.

    The inverse of :func:`project` inside its clamp; the distortion is taken back by a fixed-point iteration (exact to
    rounding for lenses like Human3.6M's).

    Args:
        pixels: (..., 2), numpy or torch.
        depth: (...,) Z, metres.
        camera: the intrinsic fields.
        distort: ``False`` if the pixels were drawn without distortion.

    Returns:
        (..., 3) camera frame, metres.
    """
    drawn = (pixels - _spread(camera.centre, pixels)) / _spread(camera.focal, pixels)
    flat = drawn
    if distort and (bool((camera.radial != 0).any()) or bool((camera.tangential != 0).any())):
        for _ in range(30):
            flat = flat + drawn - _distort(flat, camera)
    depth = depth[..., None]
    return namespace(pixels).concatenate([flat * depth, depth], -1)


def look_at(position: Any, target: Any, roll: float = 0.0, up: Any = (0.0, 0.0, 1.0)) -> np.ndarray:
    """World-to-camera rotation of a camera at ``position`` that looks at ``target``.

    Args:
        position: (3,) the camera's centre in the world.
        target: (3,) the point in the middle of its picture.
        roll: turn about the viewing direction, radians; positive is clockwise seen from behind the camera.
        up: (3,) the world's up.

    Returns:
        (3, 3) float64; rows are the camera's right, down and forward in the world.

    Raises:
        InputError: the camera would look straight up or down, or at itself.

    Example:
        >>> look_at((0, -4, 1), (0, 0, 1)).round(6).tolist()  # right is +x, down is -z, forward is +y
        [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
    """
    forward = np.subtract(target, position, dtype=np.float64)
    right = np.cross(forward, up)
    if np.linalg.norm(right) <= 1e-9 * np.linalg.norm(forward) * np.linalg.norm(up):
        raise InputError(f'a camera at {position} that looks at {target} has no right side; move it or give another up')
    forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll), np.sin(roll)
    return np.stack([cos * right + sin * down, cos * down - sin * right, forward]) + 0.0


def _distort(flat: Array, camera: Camera) -> Array:
    """Lens distortion of (..., 2) coordinates on the plane Z = 1."""
    radial, tangential = _spread(camera.radial, flat), _spread(camera.tangential, flat)
    r2 = (flat * flat).sum(-1)[..., None]
    powers = namespace(flat).concatenate([r2, r2**2, r2**3], -1)
    scale = 1 + (radial * powers).sum(-1)[..., None] + (tangential * flat).sum(-1)[..., None]
    return flat * scale + tangential * r2


def _spread(value: Any, points: Array, axes: int = 1) -> Array:
    """A field (*lead, ...) with ``axes`` axes a camera, like ``points`` (*lead, ..., C): 1 for frames and joints."""
    value = as_like(value, points)
    lead, shape = tuple(value.shape[: value.ndim - axes]), tuple(value.shape[value.ndim - axes :])
    if lead and points.ndim < len(lead) + 2:
        raise InputError(f'points have shape {tuple(points.shape)}, expected {lead} + (..., J, 3) for as many cameras')
    return value.reshape(lead + (1,) * (points.ndim - len(lead) - axes) + shape) if lead else value

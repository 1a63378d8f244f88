"""Cameras of films and their calibration files: OpenCV YAML, Pose2Sim TOML, JSON."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, reading

DIAGONALS = 0.75  # focal length where nobody says it, in diagonals of the picture: 67 degrees from corner to corner
_FAR = 1000.0  # metres; a camera is nearer to its world's origin, or the file is in millimetres
_WIDE = 1e6  # pixels; more than any picture has
_COEFFICIENTS, _OF_FISHEYE = (4, 5, 8, 12, 14), (4,)  # that OpenCV's models of a lens have
_NAMES = {  # of a camera's entries in files, by ours
    'matrix': ('matrix', 'camera_matrix', 'cameraMatrix', 'K', 'intrinsics', 'intrinsic'),
    'distortion': ('distortions', 'dist', 'distortion_coefficients', 'dist_coeffs', 'distCoeffs', 'D', 'distortion'),
    'rotation': ('rotation', 'R', 'rvec', 'rotation_matrix'),
    'translation': ('translation', 't', 'T', 'tvec', 'translation_vector'),
    'size': ('size', 'image_size'),
    'width': ('width', 'image_width'),
    'height': ('height', 'image_height'),
}


@dataclass(frozen=True)
class FilmCamera:
    """A pinhole camera with OpenCV's lens distortion.

    Attributes:
        matrix: (3, 3) focal lengths and principal point, pixels.
        size: (width, height) in pixels; ``None`` if unknown.
        distortion: OpenCV's coefficients k1, k2, p1, p2, ...; of a fisheye lens k1 to k4.
        fisheye: the lens follows OpenCV's fisheye model.
        rotation: (3, 3) world to camera; ``None`` where the place in the world is not known.
        translation: (3,) ``camera = rotation world + translation``, metres.
    """

    matrix: np.ndarray
    size: tuple[int, int] | None = None
    distortion: np.ndarray | None = None
    fisheye: bool = False
    rotation: np.ndarray | None = None
    translation: np.ndarray | None = None

    @classmethod
    def with_focal(cls, focal: float | None, img_shape: tuple[int, int]) -> 'FilmCamera':
        """A camera of a focal length in pixels, by default 0.75 diagonals, with its axis in the picture's middle."""
        height, width = img_shape
        focal = DIAGONALS * float(np.hypot(height, width)) if focal is None else focal
        return cls(np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]), (width, height))

    def resized(self, img_shape: tuple[int, int] | None) -> 'FilmCamera':
        """The camera of the same film with pictures of another size (height, width).

        Raises:
            InputError: the pictures have another shape.
        """
        if img_shape is None or self.size is None or self.size == img_shape[::-1]:
            return self
        scale = np.array(img_shape[::-1]) / self.size
        if abs(scale[0] / scale[1] - 1) > 0.02:
            raise InputError(
                f'the camera file is of pictures {self.size[0]} x {self.size[1]} and the keypoints of '
                f'{img_shape[1]} x {img_shape[0]}, expected the same shape; give the file of this camera'
            )
        matrix = np.diag([*scale, 1]) @ self.matrix
        return FilmCamera(matrix, img_shape[::-1], self.distortion, self.fisheye, self.rotation, self.translation)

    def rays(self, keypoints: np.ndarray) -> np.ndarray:
        """Directions (u, v, 1) in camera axes in which pixels (..., 2) are seen: their u, v (..., 2) float64."""
        points = np.asarray(keypoints, np.float64).reshape(-1, 1, 2)
        none = self.distortion is None or not np.any(self.distortion)
        if none and not self.fisheye:
            focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
            return ((points - centre) / focal).reshape(keypoints.shape)
        import cv2

        undistort = cv2.fisheye.undistortPoints if self.fisheye else cv2.undistortPoints
        return undistort(points, self.matrix, np.zeros(4) if none else self.distortion).reshape(keypoints.shape)


def read_camera(path: str | os.PathLike[str], stem: str = '') -> FilmCamera:
    """Reads a camera of a calibration file.

    A file of several, as Pose2Sim's TOML or a JSON with ``cameras``, gives the one whose name is in ``stem``;
    ``FILE:NAME`` gives that one.

    Args:
        path: of a YAML (OpenCV's or ROS's), TOML (Pose2Sim's) or JSON file, perhaps with a name.
        stem: name of the input, to find its camera among several.

    Raises:
        InputError: the file is missing, damaged or no calibration, or has several cameras and none is named.
    """
    path, name = str(path), ''
    if not Path(path).is_file() and ':' in path:
        path, _, name = path.rpartition(':')
    cameras = _cameras(_parsed(Path(path)))
    chosen = [n for n in cameras if n == name or (not name and (n in stem or len(cameras) == 1))]
    if len(chosen) != 1:
        raise InputError(f'{path} has the cameras {list(cameras)}, expected one for {name or stem!r}; give {path}:NAME')
    with reading(
        f'{path}: camera {chosen[0]} is not understood', 'expected a matrix, distortions, rotation, translation'
    ):
        return _camera(cameras[chosen[0]], path)


def _parsed(path: Path) -> Any:
    """The content of a file: dicts, lists, numbers; nothing in it is executed."""
    with reading(f'{path} is not read', 'expected a camera file: OpenCV YAML, Pose2Sim TOML or JSON', (Exception,)):
        text = path.read_text(encoding='utf-8')
        if path.suffix.lower() == '.toml':
            try:
                import tomllib
            except ImportError:
                raise InputError(f'{path}: TOML needs Python 3.11 or later; give the camera as JSON or YAML') from None
            return tomllib.loads(text)
        if path.suffix.lower() == '.json':
            return json.loads(text)
        return _parsed_yaml(text.replace('%YAML:1.0', '', 1).lstrip().removeprefix('---'))


def _parsed_yaml(text: str) -> Any:
    """Plain data, and OpenCV's matrices as the dicts that they are."""
    import yaml

    class Loader(yaml.SafeLoader):
        def flatten_mapping(self, node: Any) -> None:  # merges of merges take for ever
            if any(key.tag.endswith(':merge') for key, _ in node.value):
                raise InputError('it merges entries (<<), which no camera file needs')

    matrix = 'tag:yaml.org,2002:opencv-matrix'
    Loader.add_constructor(matrix, lambda loader, node: loader.construct_mapping(node, True))
    return yaml.load(text, Loader)


def _cameras(content: Any) -> dict[str, dict]:
    """Records of cameras by name."""
    if not isinstance(content, dict):
        return {}
    if isinstance(content.get('cameras'), (list, dict)):
        content = content['cameras']
        content = (
            content if isinstance(content, dict) else {str(c.get('name')): c for c in content if isinstance(c, dict)}
        )
    elif _is_camera(content):
        return {'camera': content}
    return {
        str(value.get('name', key)): value
        for key, value in content.items()
        if isinstance(value, dict) and _is_camera(value)
    }


def _is_camera(record: dict) -> bool:
    return 'fx' in record or any(name in record for name in _NAMES['matrix'])


def _camera(record: dict, path: str) -> FilmCamera:
    values = {key: next((record[n] for n in names if n in record), None) for key, names in _NAMES.items()}
    matrix = _numbers(values['matrix'])
    if matrix is None:
        fx = float(record['fx'])
        matrix = np.array([[fx, 0, record['cx']], [0, record.get('fy', fx), record['cy']], [0, 0, 1]], np.float64)
    matrix = matrix.reshape(3, 3)
    if not (np.isfinite(matrix).all() and matrix[0, 0] > 0 and matrix[1, 1] > 0):
        raise InputError(f'{path}: the camera matrix is {matrix.tolist()}, expected focal lengths above 0')
    rotation, translation = _place(_numbers(values['rotation']), _numbers(values['translation']), path)
    size = values['size'] if values['size'] is not None else (values['width'], values['height'])
    size, fisheye = _size(size, path), bool(record.get('fisheye', False))
    return FilmCamera(matrix, size, _distortion(values['distortion'], fisheye, path), fisheye, rotation, translation)


def _place(rotation: np.ndarray | None, translation: np.ndarray | None, path: str) -> tuple[np.ndarray | None, ...]:
    """Rotation (3, 3) and translation (3,), or ``None`` for both where one is missing."""
    if rotation is None or translation is None:
        return None, None
    if rotation.size == 3:
        import cv2

        rotation = cv2.Rodrigues(rotation.reshape(3, 1))[0]
    rotation, translation = rotation.reshape(3, 3), translation.reshape(3)
    if not (np.abs(rotation @ rotation.T - np.eye(3)).max() <= 1e-3 and np.linalg.det(rotation) > 0):  # NaN fails, too
        raise InputError(f'{path}: rotation is {rotation.tolist()}, expected a rotation matrix or vector')
    if not np.linalg.norm(translation) < _FAR:
        raise InputError(f'{path}: translation is {translation.tolist()}, expected metres; divide millimetres by 1000')
    return rotation, translation


def _size(value: Any, path: str) -> tuple[int, int] | None:
    """Width and height of the pictures."""
    if value[0] is None:
        return None
    size = np.asarray(value, np.float64).ravel()
    if size.shape != (2,) or not ((size > 0) & (size < _WIDE) & (size == size.round())).all():
        raise InputError(f'{path}: the size is {size.tolist()[:9]}, expected two whole numbers of pixels')
    return int(size[0]), int(size[1])


def _distortion(value: Any, fisheye: bool, path: str) -> np.ndarray | None:
    """Coefficients of the lens, as many as OpenCV takes."""
    if value is None:
        return None
    distortion, counts = _numbers(value).ravel(), _OF_FISHEYE if fisheye else _COEFFICIENTS
    if len(distortion) not in (0, *counts) or not np.isfinite(distortion).all():
        expected = ', '.join(map(str, counts))
        raise InputError(f"{path}: the distortion is {distortion.tolist()[:15]}, expected OpenCV's {expected} numbers")
    return distortion


def _numbers(value: Any) -> np.ndarray | None:
    """A list of numbers, or OpenCV's matrix with its ``data``."""
    if isinstance(value, dict):
        value = value['data']
    return None if value is None else np.asarray(value, np.float64)

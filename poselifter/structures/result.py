"""Results: predictions of a model for a table of keypoints."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import axis_angle_to_matrix
from ..skeletons import get_skeleton
from .keypoint_table import KeypointTable

_ROWS = ('poses', 'root', 'truth', 'uncertainty', 'contacts', 'scores')


@dataclass(frozen=True)
class MovingBody:
    """A skinned body of one person: T frames, V vertices, K bones; metres, camera axes (x right, y down, z forward).

    Attributes:
        model: ``'smpl'``, ``'smplh'`` or ``'smplx'``.
        gender: ``'male'``, ``'female'`` or ``'neutral'``.
        skeleton: joint set of the K bones.
        poses: (T, 3 K) axis-angle of each joint relative to its parent, radians.
        betas: (10,) shape.
        trans: (T, 3), added to all vertices.
        rest_vertices: (V, 3) of the shape in the rest pose.
        rest_joints: (K, 3) likewise.
        weights: (V, K) of the bones, rows sum to 1.
        faces: (F, 3); ``None`` where the body model has none.
        bones: gives (T, K, 3, 4), what takes a point at rest to where its bone carries it.
        vertices: gives (T, V, 3) with all that the body model knows of; large, so computed where it is needed.
    """

    model: str
    gender: str
    skeleton: str
    poses: np.ndarray
    betas: np.ndarray
    trans: np.ndarray
    rest_vertices: np.ndarray
    rest_joints: np.ndarray
    weights: np.ndarray
    faces: np.ndarray | None
    bones: Callable[[], np.ndarray]
    vertices: Callable[[], np.ndarray]

    @property
    def surface(self) -> np.ndarray:
        """The faces (F, 3).

        Raises:
            InputError: the body model has none.
        """
        if self.faces is None:
            raise InputError('the body model has no faces, which meshes and pictures need; take the official file')
        return self.faces

    def rotations(self) -> np.ndarray:
        """The poses as matrices (T, K, 3, 3)."""
        return axis_angle_to_matrix(self.poses.reshape(len(self.poses), -1, 3))

    def strongest_bones(self) -> tuple[np.ndarray, np.ndarray]:
        """The four bones that move each vertex most, (V, 4), and their weights (V, 4), which sum to 1."""
        bones = np.argsort(-self.weights, 1)[:, :4]
        weights = np.take_along_axis(self.weights, bones, 1)
        return bones, weights / weights.sum(1, keepdims=True)


@dataclass
class Result:
    """Predictions of a model for N rows of keypoints; checked when it is made.

    Attributes:
        table: the rows; J is 0 where only 3D is known.
        poses: (N, K, 3) metres, camera axes (x right, y down, z forward),
            root-relative; NaN is a joint that is not known.
        skeleton_3d: joint set of ``poses``.
        root: (N, 3) metres, the root in the camera frame; ``None`` if unknown.
        truth: (N, K, 3) captured poses to compare with, as ``poses``.
        uncertainty: (N, K) metres, expected distance of a joint from the truth.
        contacts: (N, 4) whether left heel, left toe, right heel and right toe stand on the ground.
        world_from_camera: (4, 4) rigid transform to a world with z up, ground at z = 0, metres; ``None`` if unknown.
        camera_matrix: (3, 3) focal lengths and principal point of the camera, pixels; ``None`` if unknown.
        scores: (N, A) in [0, 1] of classes of actions.
        classes: A names.
        embeddings: (S, D) unit vectors by name, one for each segment.
        body: the body of the one person of the table, N frames.
        segments: rows of each segment of a person without a long gap; by default a whole track each.
        skeleton: joint set of the keypoints, where the table does not say.
        fps: frames a second, where the table does not say; 30 if nobody does.
        top_k: classes that are named for a segment.
        film: frames of the film of the keypoints, iterable any number of times, each with ``index`` and ``image``
            (H, W, 3) uint8 RGB, and ``img_shape`` (height, width); ``None`` if there is none.
        model: name of the model that predicted.
        settings: options with which it was made, JSON.

    Raises:
        InputError: an array has another shape than the table and the joint sets
            ask for, or numbers that are not finite.
    """

    table: KeypointTable
    poses: np.ndarray | None = None
    skeleton_3d: str | None = None
    root: np.ndarray | None = None
    truth: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    contacts: np.ndarray | None = None
    world_from_camera: np.ndarray | None = None
    camera_matrix: np.ndarray | None = None
    scores: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    body: MovingBody | None = None
    segments: list[slice] | None = None
    skeleton: str | None = None
    fps: float | None = None
    top_k: int = 3
    film: Any = None
    model: str | None = None
    settings: str | None = None

    def __post_init__(self) -> None:
        self.skeleton, self.fps = self.table.skeleton or self.skeleton, self.table.fps or self.fps or 30.0
        self.segments = [rows for _, rows in self.table.tracks()] if self.segments is None else self.segments
        n, joints, _ = self.table.keypoints.shape
        if joints and joints != get_skeleton(self.skeleton).num_joints:
            raise InputError(f'{self.table.source}: keypoints have {joints} joints, expected those of {self.skeleton}')
        k = 0 if self.skeleton_3d is None else get_skeleton(self.skeleton_3d).num_joints
        shapes = {'poses': (n, k, 3), 'root': (n, 3), 'truth': (n, k, 3), 'uncertainty': (n, k)}
        shapes |= {'contacts': (n, 4), 'world_from_camera': (4, 4), 'camera_matrix': (3, 3)}
        for name, shape in {**shapes, 'scores': (n, len(self.classes))}.items():
            if getattr(self, name) is not None:
                self._check(name, getattr(self, name), shape)
        for name, vectors in self.embeddings.items():
            self._check(name, vectors, (len(self.segments), *np.shape(vectors)[1:]))

    def _check(self, name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
        if np.shape(array) != shape or np.asarray(array).dtype.kind not in 'fiub':
            joints = f' of {self.skeleton_3d}' if self.skeleton_3d else ''
            raise InputError(f'{self.table.source}: {name} has shape {np.shape(array)}, expected {shape}{joints}')
        bad = np.isinf(array) if name == 'poses' else ~np.isfinite(array)
        if bad.any():
            raise InputError(
                f'{self.table.source}: {name} has {bad.sum()} values that are NaN or infinite, the first in row '
                f'{np.argwhere(bad)[0][0]}; remove or fill them'
            )

    def frame_of_reference(self) -> dict[str, str]:
        """In words the ``unit``, ``axes`` and ``root`` of the poses, and the ``model`` where it is known."""
        skeleton = get_skeleton(self.skeleton_3d)
        words = {'unit': 'm', 'axes': 'camera: x right, y down, z forward'}
        words['root'] = skeleton.joint_names[skeleton.root or 0]
        return words | ({'model': self.model} if self.model else {})

    def given(self) -> list[str]:
        """Names of those of ``poses``, ``scores`` and ``body`` that are present."""
        return [name for name in ('poses', 'scores', 'body') if getattr(self, name) is not None]

    def persons(self) -> Iterator[tuple[str, 'Result']]:
        """(track id, result of its rows) of each person, without embeddings."""
        for track, rows in self.table.tracks():
            arrays = {name: getattr(self, name) for name in _ROWS if getattr(self, name) is not None}
            arrays = {name: array[rows] for name, array in arrays.items()}
            yield str(track), replace(self, table=self.table.take(rows), segments=None, embeddings={}, **arrays)

    def keypoints(self, rows: slice) -> KeypointTable:
        """Some rows of the table, with the joint set."""
        return replace(self.table.take(rows), skeleton=self.skeleton)

    def positions(self) -> np.ndarray:
        """Poses (N, K, 3) in the camera frame where the root is known, else root-relative."""
        return self.poses if self.root is None else self.poses + self.root[:, None]

    def world_positions(self) -> np.ndarray:
        """Joints (N, K, 3) in the world: z up, ground at z = 0, metres.

        Raises:
            InputError: the place in the world is not known.
        """
        if self.world_from_camera is None or self.root is None:
            raise InputError(f'{self.table.source}: the place in the world is not known; lift with --world')
        return self.positions() @ self.world_from_camera[:3, :3].T + self.world_from_camera[:3, 3]

    def complete_poses(self) -> np.ndarray:
        """The poses (N, K, 3), to be drawn.

        Raises:
            InputError: a joint is not known.
        """
        unknown = np.isnan(self.poses).any((1, 2))
        if unknown.any():
            raise InputError(
                f'{self.table.source}: poses have NaN in {unknown.sum()} rows, the first in row {unknown.argmax()}, '
                f'and cannot be drawn; remove or fill them'
            )
        return self.poses

    def describe_segments(self) -> list[dict[str, Any]]:
        """Predictions for each segment of n rows.

        Returns:
            ``track``, ``frames`` (n,); with scores ``scores`` (n, A) and ``top``, the best classes of the whole segment
            with their mean scores; and every embedding (D,) by its name.
        """
        described = []
        for number, rows in enumerate(self.segments):
            track, frames = np.asarray(self.table.track_ids[rows.start]).item(), self.table.frame_indices[rows]
            entry = {'track': track, 'frames': frames}
            if self.scores is not None:
                mean = self.scores[rows].mean(0)
                best = np.argsort(-mean, kind='stable')[: self.top_k]
                entry |= {'scores': self.scores[rows], 'top': [(self.classes[i], float(mean[i])) for i in best]}
            described.append(entry | {name: vectors[number] for name, vectors in self.embeddings.items()})
        return described

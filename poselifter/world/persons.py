"""Persons in front of a camera: their bones, and where they walk and stand over time."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..geometry.feet import bone_lengths, constant_bones, find_contacts, foot_speed, level_below, standing_levels
from ..geometry.ground import Landmarks
from ..geometry.root import fit_root, pull_to_rays
from ..skeletons import Skeleton, convert_keypoints, find_conversion, get_skeleton
from ..structures import Result
from .camera_file import FilmCamera

_APPROXIMATE = 0.1  # weight of a joint that means another point in 2D than in 3D
_UNSURE = 0.05  # metres of uncertainty at which a joint weighs half
CUTOFF = 3.0  # Hz, of the path across the picture
STEPS = 4.0  # trust in a standing foot against what the picture tells of the place, at 30 fps
STILL = 0.25  # m/s of a foot at which that trust is halved: it may be rolling off
_LEGS, _LEGS_AND_TRUNK = 0.491, 0.779  # of a body's height: ankles to hips, and on to the shoulders (Winter 2009)
SEEN = 0.05  # of the frames show a foot that can stand
_GAP = 1.5  # frames that two rows may be apart to tell of a frame between them


def landmarks(solid: Skeleton) -> Landmarks:
    names = [[f'{side}_{joint}' for side in ('left', 'right')] for joint in ('hip', 'knee', 'ankle', 'shoulder')]
    missing = sorted({name for pair in names for name in pair} - set(solid.joint_names))
    if missing or solid.parents is None:
        raise InputError(f'{solid.name} has no {", ".join(missing) or "tree of bones"}, which the world needs')
    return Landmarks(*(tuple(solid.joint_names.index(name) for name in pair) for pair in names))


@dataclass(frozen=True)
class PersonBody:
    """Bones and height of a person, the same over time.

    Attributes:
        parents: of the K joints.
        lengths: (K,) of the bones that end at them, metres.
        scale: of all, so that the person has its height.
        height: metres.
    """

    parents: tuple[int, ...]
    lengths: np.ndarray
    scale: float
    height: float

    @classmethod
    def of(cls, poses: np.ndarray, solid: Skeleton, joints: Landmarks, height: float | None) -> 'PersonBody':
        """That of all poses (T, K, 3) of a person, of the height if one is given."""
        lengths = bone_lengths(poses, solid.parents, tuple(zip(solid.left, solid.right, strict=True)))
        size = body_height(cls(solid.parents, lengths, 1, 1).poses(poses), joints)
        return cls(solid.parents, lengths, 1 if height is None else height / size, height or size)

    def poses(self, poses: np.ndarray) -> np.ndarray:
        """Poses (T, K, 3) with these bones, float32."""
        return (constant_bones(poses.astype(np.float64), self.parents, self.lengths) * self.scale).astype(np.float32)


def body_height(poses: np.ndarray, joints: Landmarks) -> float:
    """The height of a person (T, K, 3) in metres, by proportions of usual bodies."""

    def length(a: np.ndarray, b: np.ndarray) -> float:
        lengths = np.linalg.norm(a - b, axis=-1)
        return float(np.nanmedian(lengths)) if np.isfinite(lengths).any() else 0.0

    at = {name: poses[:, list(pair)] for name, pair in joints._asdict().items()}
    legs = length(at['hips'], at['knees']) + length(at['knees'], at['ankles'])
    trunk = length(at['hips'].mean(1), at['shoulders'].mean(1))
    height = (legs + trunk) / _LEGS_AND_TRUNK if trunk else legs / _LEGS
    return height if height > 0.1 else 1.7  # of a body whose legs are never known


@dataclass
class PersonTrack:
    """A segment of one person in consecutive frames, evenly apart, some of which may be empty.

    Attributes:
        where: (n,) place of each row of the segment among the frames: whole numbers, if its times are even.
        present: (T,) whether a row is of this frame, or lies on both sides of it.
        whole: (T,) whether the legs are known.
        poses: (T, K, 3) root-relative, camera axes, 0 where unknown.
        rays: (T, K, 2).
        weights: (T, K).
        root: (T, 3) camera axes.
        contacts: (T, 2) bool, left and right ankle.
        levels: (L,) heights of standing ankles over the camera, metres, rising.
        seconds: (L,) in which a foot stood on each.
        grounded: whether the lowest is the ground, not a roof.
        footless: whether no ankle is seen in the picture, so that none stands.
    """

    where: np.ndarray
    present: np.ndarray
    whole: np.ndarray
    poses: np.ndarray
    rays: np.ndarray
    weights: np.ndarray
    root: np.ndarray | None = None
    contacts: np.ndarray | None = None
    levels: np.ndarray | None = None
    seconds: np.ndarray | None = None
    grounded: bool = True
    footless: bool = False

    def at_rows(self, values: np.ndarray) -> np.ndarray:
        """Values (T, ...) of the frames at the n rows; of flags those of the nearest frame."""
        nearest = np.rint(self.where).astype(int)
        if values.dtype == bool or (nearest == self.where).all():
            return values[nearest]
        from scipy.interpolate import make_interp_spline

        spline = make_interp_spline(np.arange(len(values)), values, min(3, len(values) - 1))
        return spline(np.minimum(self.where, len(values) - 1))

    def feet(self, joints: Landmarks, axes: np.ndarray) -> np.ndarray:
        """The ankles (T, 2, 3) in a world whose origin is the camera."""
        return (self.poses[:, list(joints.ankles)] + self.root[:, None]) @ axes.T

    def fit(self, solid: Skeleton, joints: Landmarks, fps: float) -> None:
        """Moves joints towards where they are seen, which the model knew at no true scale; the height stays."""
        pairs = tuple(zip(solid.left, solid.right, strict=True))
        height = body_height(self.poses, joints)
        for _ in range(2):
            root = fit_root(self.poses, self.rays, self.weights, fps, CUTOFF)
            pulled = pull_to_rays(self.poses, root, self.rays, self.weights, fps, solid.root)
            self.poses = constant_bones(pulled, solid.parents, bone_lengths(pulled, solid.parents, pairs))
            self.poses = (self.poses * (height / body_height(self.poses, joints))).astype(np.float32)

    def walk(self, joints: Landmarks, axes: np.ndarray, fps: float) -> None:
        """Finds root and contacts: first of the picture alone, then with the feet that stand."""
        steps = weights = None
        seen = (self.weights[:, list(joints.ankles)] > 0).mean(0) >= SEEN
        for _ in range(3):
            self.root = fit_root(self.poses, self.rays, self.weights, fps, CUTOFF, steps, weights)
            feet = self.feet(joints, axes)
            self.levels, self.seconds = standing_levels(feet, fps)
            levels = level_below(feet, self.levels)
            self.contacts = find_contacts(feet, fps, levels) & (self.present & self.whole)[:, None] & seen
            speed = foot_speed(feet, fps)
            both = self.contacts[1:] & self.contacts[:-1]
            slow = np.maximum(speed[1:], speed[:-1])
            trust = both / (1 + (slow / STILL) ** 4)
            moved = -np.diff(self.poses[:, list(joints.ankles)], axis=0) * trust[..., None]
            steps = moved.sum(1) / np.maximum(trust.sum(1), 1e-9)[:, None]
            weights = trust.max(1) * STEPS * (fps / 30) ** 2
        self.footless = not seen.any()


def track_of(
    result: Result, camera: FilmCamera, poses: np.ndarray, known: np.ndarray, whole: np.ndarray, rows: slice
) -> PersonTrack:
    """The ``rows`` of a segment in even frames, with each joint's ray and weight; linear between uneven times.

    ``poses`` (n, K, 3) are those of these rows, ``known`` (N, K) and ``whole`` (N,) those of all.
    """
    table, source = result.table, result.skeleton
    names = get_skeleton(result.skeleton_3d).joint_names
    approximate = find_conversion(source, result.skeleton_3d).approximate
    doubt = np.array([_APPROXIMATE if name in approximate else 1 for name in names])
    points, seen = table.keypoints[rows], table.keypoints_visible[rows]
    points, weights = convert_keypoints(points, source, result.skeleton_3d, seen)
    height, width = table.img_shape
    inside = ((points >= 0) & (points <= (width, height))).all(-1)  # detectors place what is cut off, too
    weights = weights * doubt * known[rows] * inside
    if result.uncertainty is not None:
        weights /= 1 + (result.uncertainty[rows] / _UNSURE) ** 2
    rays = camera.rays(np.where(weights[..., None] > 0, points, 0)).astype(np.float32)
    where = table.frame_indices[rows] if table.timestamps is None else table.timestamps[rows] * result.fps
    where = where - where[0]
    frames = np.arange(int(np.ceil(where[-1] - 1e-6)) + 1)
    low = np.searchsorted(where, frames + 1e-6, 'right') - 1
    high = np.minimum(low + 1, len(where) - 1)
    apart = where[high] - where[low]
    part = np.minimum((frames - where[low]) / np.maximum(apart, 1e-9), 1).astype(np.float32)
    part[np.abs(frames - where[low]) < 1e-3] = 0
    between = (part > 0) & (apart < _GAP)
    part[~between] = 0
    present = between | (np.abs(frames - where[low]) < 1e-3) | (frames > where[-1])

    def even(values: np.ndarray) -> np.ndarray:
        mixed = values[low]
        if between.any():
            k = part[between].reshape(-1, *[1] * (values.ndim - 1))
            mixed[between] += k * (values[high[between]] - mixed[between])
        return mixed

    filled = even(np.where(known[rows, :, None], poses, 0))
    both = (weights > 0).astype(np.float32)
    weights = even(weights.astype(np.float32)) * (even(both) == 1) * present[:, None]
    return PersonTrack(where, present, whole[rows][low], filled, even(rays), weights)

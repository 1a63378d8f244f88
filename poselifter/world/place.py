"""Puts the persons of a result into the world: z up, metres, ground at z = 0."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..geometry.feet import (
    bend_legs,
    hold_feet,
    level_below,
)
from ..geometry.ground import Landmarks, tilt_of_camera, up_of_camera, up_of_persons, upright_axes
from ..geometry.root import smooth_path
from ..skeletons import Skeleton, get_skeleton
from ..structures import Result
from .camera_file import DIAGONALS, FilmCamera, read_camera
from .persons import PersonBody, PersonTrack, landmarks, track_of

SETTLE = 0.5  # Hz; faster differences between feet and ground are left to the legs
_ANKLE = 0.045  # height of a standing ankle, of a body's height
_SIZES = 0.8, 1.25  # by which a common ground may change the size of a person
_NEAR_GROUND = 0.4  # metres over the lowest ground, up to which another person's is the same
_OTHER_SIZE = 0.6  # of the camera's height over it, likewise: who is smaller than assumed seems to stand lower
_VOTES = 100_000  # poses that tell the way up
_ROLLED = 0.03  # seconds of standing that weigh as much as that most cameras are held level
_MOMENT = 0.2  # seconds; who stands for less tells nothing
_RANGES = {'height': (0.3, 3, 'metres'), 'focal': (1, 1e6, 'pixels'), 'pitch': (-90, 90, 'degrees')}


@dataclass(frozen=True)
class World:
    """Facts about camera and persons; the rest is estimated or assumed, which the notes say.

    Attributes:
        height: of each person, metres; by default the size in which the model lifts.
        focal: length in pixels.
        camera: calibration file, see :func:`~poselifter.world.read_camera`.
        pitch: how far the camera looks down, degrees.

    Raises:
        InputError: a number is out of range, or two contradict.
    """

    height: float | None = None
    focal: float | None = None
    camera: str | os.PathLike[str] | None = None
    pitch: float | None = None

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f'{name} is {value}, expected {low:g} to {high:g} {unit}')
        if self.focal is not None and self.camera is not None:
            raise InputError('focal and camera are both given, expected one; a camera file has a focal length')


def place_in_world(result: Result, world: World) -> tuple[Result, list[str]]:
    """Gives a result root, contacts and the way from the camera's axes to a world with z up and ground at z = 0.

    Bones get constant lengths, joints move half of the way to where they are seen. The path is fitted to the keypoints
    (:func:`~poselifter.geometry.root.fit_root`), up follows from the camera file, the pitch, or the persons that stand,
    the ground from their feet. Feet in contact are held still: the body moves slowly with them, the legs do the rest.
    Without extrinsics the camera stands over the origin, x is its right and y its front.

    Args:
        result: with poses, and the keypoints they were lifted from.
        world: what is known.

    Returns:
        The result, and notes on what was known, estimated and assumed, and on what holding the feet changed.

    Raises:
        InputError: the joint set has no legs, there are no keypoints or no picture size, or the camera file is wrong.
    """
    solid = get_skeleton(result.skeleton_3d)
    joints = landmarks(solid)
    camera, notes = _camera_of(result, world)
    known = np.isfinite(result.poses).all(-1)
    whole = known[:, [index for pair in joints for index in pair]].all(1)
    people = list(result.table.tracks())
    bodies = {name: PersonBody.of(result.poses[rows], solid, joints, world.height) for name, rows in people}
    ids, sizes = result.table.track_ids, {name: body.height for name, body in bodies.items()}
    step = len(whole) // _VOTES + 1  # of an hour copies of all poses take much room, here as below
    standing = [bodies[name].poses(result.poses[rows][::step][whole[rows][::step]]) for name, rows in people]
    up, told = _up_of(camera, np.concatenate(standing), joints, world.pitch, result.fps / step)
    axes = upright_axes(up) if camera.rotation is None else camera.rotation.T
    tracks = []
    for rows in result.segments:
        poses = bodies[ids[rows.start]].poses(result.poses[rows])
        track = track_of(result, camera, poses, known, whole, rows)
        track.fit(solid, joints, result.fps)
        track.walk(joints, axes, result.fps)
        track.rays = track.weights = None
        tracks.append(track)
    at, size_notes = _stand_on_ground(result, tracks, sizes, camera, world.height)
    placed, cost = _hold(result, tracks, sizes, solid, joints, axes, at)
    placed.poses[~known] = np.nan
    placed.camera_matrix = camera.matrix
    return placed, [*notes, told, *size_notes, *cost]


def _camera_of(result: Result, world: World) -> tuple[FilmCamera, list[str]]:
    table = result.table
    if not table.keypoints.shape[1]:
        raise InputError(f'{table.source}: there are no 2D keypoints, which the world needs; give what was lifted')
    if world.camera is not None:
        camera = read_camera(world.camera, Path(table.source).stem).resized(table.img_shape)
        return camera, [f'focal length {camera.matrix[0, 0]:.0f} pixels, from {world.camera}']
    if table.img_shape is None:
        raise InputError(f'{table.source}: the image size is unknown, which the world needs; give --image-size W H')
    camera = FilmCamera.with_focal(world.focal, table.img_shape)
    guess = f', assumed: {DIAGONALS} diagonals of the picture; distances depend on it (--focal)'
    assumed = '' if world.focal else guess
    return camera, [f'focal length {camera.matrix[0, 0]:.0f} pixels{assumed}']


def _up_of(
    camera: FilmCamera, poses: np.ndarray, joints: Landmarks, pitch: float | None, fps: float
) -> tuple[np.ndarray, str]:
    """The way up in camera axes, and a note on what told it."""
    if camera.rotation is not None:
        tilt = '{:.0f} degrees down, rolled {:.0f}'.format(*tilt_of_camera(camera.rotation[:, 2]))
        return camera.rotation[:, 2], f'the camera looks {tilt}: from the camera file'
    up, standing = up_of_persons(poses, joints) if len(poses) else (up_of_camera(0), np.zeros(0))
    seconds = float(standing.sum() / fps)
    source = f'from persons that stand, {seconds:.1f} s in all, and may be off by 5 degrees (--camera-pitch)'
    tilt = tilt_of_camera(up)
    up = up_of_camera(tilt[0], tilt[1] * seconds / (seconds + _ROLLED))
    if seconds < _MOMENT:
        source = 'from persons that hardly stand upright, and may be far off (--camera-pitch)'
    if pitch is not None:
        up = up_of_camera(pitch, tilt_of_camera(up)[1])
        source = 'pitch as given, roll ' + source.replace(' (--camera-pitch)', '')
    return up, 'the camera looks {:.0f} degrees down, rolled {:.0f}: '.format(*tilt_of_camera(up)) + source


def _stand_on_ground(
    result: Result, tracks: list[PersonTrack], sizes: dict, camera: FilmCamera, height: float | None
) -> tuple[np.ndarray, list[str]]:
    """Scales persons so that they share the ground; returns the camera's place in the world and notes on sizes."""
    ids = [result.table.track_ids[rows.start] for rows in result.segments]
    heights = np.array([_ANKLE * sizes[name] - track.levels[0] for name, track in zip(ids, tracks, strict=True)])
    trust = np.array([track.seconds[0] * (not track.footless) + 1e-3 for track in tracks])
    placed = camera.rotation is not None
    at = -camera.rotation.T @ camera.translation if placed else np.zeros(3)
    lowest = at[2] if placed else heights[trust >= min(_MOMENT, trust.max())].max()
    for track, height_over in zip(tracks, heights, strict=True):
        track.grounded = bool(height_over >= min(lowest - _NEAR_GROUND, lowest * _OTHER_SIZE))
    if not placed:
        trusted = trust * [track.grounded for track in tracks]
        at[2] = np.average(heights, weights=trusted)
    source = 'as given'
    if height is None:
        source = 'in the size that the model lifts (--height)'
    if height is None and (placed or len(sizes) > 1) and at[2] > 0.3:
        source = (
            'so that all stand on one ground' if not placed else 'so that feet stand on the ground of the camera file'
        )
        for name in sizes:
            mine = [k for k, other in enumerate(ids) if other == name]
            known = [k for k in mine if tracks[k].grounded]
            level = float(np.average(heights[known], weights=trust[known])) if known else 0.0
            scale = float(np.clip(at[2] / level, *_SIZES)) if level > 0.3 else 1.0
            sizes[name] *= scale
            for k in mine:
                tracks[k].poses, tracks[k].root = tracks[k].poses * scale, tracks[k].root * scale
                tracks[k].levels = tracks[k].levels * scale
    tall = ', '.join(f'{size:.2f} m' for size in list(sizes.values())[:8]) + (', ...' if len(sizes) > 8 else '')
    guessed = list(dict.fromkeys(name for name, track in zip(ids, tracks, strict=True) if track.footless))
    return at, [
        f'height of persons {tall}: {source}',
        *(f'track {name}: no foot is seen; where it stands is guessed from the rest of the body' for name in guessed),
    ]


def _hold(
    result: Result,
    tracks: list[PersonTrack],
    sizes: dict,
    solid: Skeleton,
    joints: Landmarks,
    axes: np.ndarray,
    at: np.ndarray,
) -> tuple[Result, list[str]]:
    """The result with feet held on the ground, and notes on what that changed."""
    n, ankles = len(result.poses), list(joints.ankles)
    poses, root = np.empty((n, solid.num_joints, 3), np.float32), np.empty((n, 3))
    contacts, moves, raised = np.zeros((n, 2), bool), np.empty((n, 1 + len(ankles))), []
    for rows in result.segments:
        track = tracks.pop(0)
        ankle = np.array([0, 0, _ANKLE * sizes[result.table.track_ids[rows.start]]])
        body = (track.poses + track.root[:, None]) @ axes.T
        body += at
        seen = body[:, [solid.root, *ankles]]
        places = track.levels + at[2] - ankle[2]
        places = places - places[0] * track.grounded
        if places[-1] > _NEAR_GROUND:
            raised.append(f'track {result.table.track_ids[rows.start]} stands {places[-1]:.1f} m above the ground')
        body += [0, 0, places[0] - (track.levels[0] + at[2] - ankle[2])]
        below = level_below(body[:, ankles] - ankle, places)
        offset = hold_feet(body[:, ankles] - ankle, track.contacts, below) + ankle - body[:, ankles]
        trust = track.contacts.sum(1) + 0.02
        values = (offset * track.contacts[..., None]).sum(1)
        body += smooth_path(trust[:, None, None] * np.eye(3), values, result.fps, SETTLE)[:, None]
        held = hold_feet(body[:, ankles] - ankle, track.contacts, below) + ankle
        moved = _bend(body, held, solid, joints)
        change = np.linalg.norm(moved[:, [solid.root, *ankles]] - seen, axis=-1)
        moves[rows], contacts[rows] = 1000 * track.at_rows(change), track.at_rows(track.contacts)
        root[rows] = track.at_rows((moved[:, solid.root] - at) @ axes)
        poses[rows] = track.at_rows((moved - moved[:, [solid.root]]) @ axes)
    cost = (
        f'feet stand in {contacts.any(1).mean():.0%} of the frames; holding them on the ground moved the '
        f'{solid.joint_names[solid.root]} {moves[:, 0].mean():.0f} mm and the ankles '
        f'{moves[:, 1:].mean():.0f} mm on average'
    )
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, at
    contacts = np.repeat(contacts, 2, axis=1)
    return replace(result, poses=poses, root=root, contacts=contacts, world_from_camera=matrix), [
        *dict.fromkeys(raised),
        cost,
    ]


def _bend(body: np.ndarray, held: np.ndarray, solid: Skeleton, joints: Landmarks) -> np.ndarray:
    """Bodies (T, K, 3), z up, whose legs reach to where the ankles (T, 2, 3) are held; feet move along."""
    moved = body.copy()
    left = body[:, joints.hips[0]] - body[:, joints.hips[1]]
    front = np.cross(left, [0, 0, 1.0])
    front /= np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-9)
    for side, (hip, knee, ankle) in enumerate(zip(*joints[:3], strict=True)):
        moved[:, knee], moved[:, ankle] = bend_legs(body[:, hip], body[:, knee], body[:, ankle], held[:, side], front)
        for joint in range(solid.num_joints):
            above = solid.parents[joint]
            while above >= 0 and above != ankle:
                above = solid.parents[above]
            if above == ankle:
                moved[:, joint] += moved[:, ankle] - body[:, ankle]
    return moved

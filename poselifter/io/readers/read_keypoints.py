"""The one door for 2D keypoints: recognises a file by its content and makes the table."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...skeletons import get_skeleton
from ...structures import KeypointTable
from ...structures.keypoint_table import check_size
from .document import Detections, find_reader, open_document
from .joint_sets import WHOLE_BODIES, find_skeleton


def read_keypoints(
    path: str | os.PathLike[str],
    skeleton: str | None = None,
    img_shape: Sequence[int] | None = None,
    fps: float | None = None,
) -> KeypointTable:
    """Reads 2D keypoints of any number of persons from a file of any supported tool.

    Where the file carries no person ids, ``track_ids`` are negative integers that only number the persons within a
    frame (-1, -2, ...); ``poselifter.tracking.link_persons`` turns them into persons over time.

    Args:
        path: a file of a format in ``READERS``.
        skeleton: name of the joint set; needed where the file does not tell.
        img_shape: (height, width) in pixels; goes before what the file says.
        fps: frames per second; goes before what the file says, its times too.

    Returns:
        The table; ``frame_indices`` are the file's numbers, counted from
        0 where the format counts from 1. ``source`` says what was recognised.

    Raises:
        InputError: the file is missing, damaged, of another kind, has no
            person, or its joint set is unknown; the sentence names the place.
    """
    document = open_document(path)
    reader = find_reader(document, 'keypoints')
    detections = reader(document)
    if len(detections.keypoints) == 0:
        raise InputError(f'{path}: no person in any frame, expected at least one; nothing to lift')
    size = check_size(detections.img_shape if img_shape is None else img_shape, str(path))
    if detections.normalized:
        _use_pixels(detections, size, f'{path} ({reader.label})')
    name, inferred = _use_skeleton(detections, skeleton, str(path))
    table = KeypointTable(
        keypoints=detections.keypoints,
        keypoints_visible=detections.scores,
        frame_indices=detections.frames,
        track_ids=detections.track_ids,
        skeleton=name,
        img_shape=size,
        fps=detections.fps if fps is None else fps,
        source=f'{Path(path)} ({reader.label}{inferred and ", " + inferred})',
        notes=tuple(detections.notes),
        timestamps=detections.timestamps if fps is None else None,
    )
    table.check_pixels()
    return table


def _use_pixels(detections: Detections, size: tuple[int, int] | None, where: str) -> None:
    """Turns keypoints that are fractions of the picture into pixels."""
    if size is None:
        raise InputError(f'{where}: coordinates are fractions of a picture of unknown size; give it, --image-size W H')
    detections.keypoints = np.asarray(detections.keypoints, np.float64) * size[::-1]
    detections.notes = [*detections.notes, f'coordinates are fractions of the picture, {size[1]} x {size[0]} pixels']


def _use_skeleton(detections: Detections, named: str | None, path: str) -> tuple[str, str]:
    """Puts the joints in the order of a known joint set; returns its name and how it was inferred."""
    points, scores, names = detections.keypoints, detections.scores, detections.joint_names
    notes = list(detections.notes)
    if body := WHOLE_BODIES.get(points.shape[1]):
        notes.append(f'of {points.shape[1]} joints the first {body}, the body, are read')
        points, scores, names = points[:, :body], scores[:, :body], names and names[:body]
    name, inferred, order = find_skeleton(path, points.shape[1], named or detections.skeleton, names)
    ids = [None] * len(points) if detections.track_ids is None else detections.track_ids
    if order is not None:
        absent = [joint for joint, place in zip(get_skeleton(name).joint_names, order, strict=True) if place < 0]
        unused = [str(names[i]) for i in sorted(set(range(len(names))) - set(order))]
        notes += [f'{", ".join(absent)} of {name} are not in the file and count as missing'] * bool(absent)
        notes += [f'joints that {name} has not are left out: {", ".join(unused)[:200]}'] * bool(unused)
        points, scores = points[:, order], np.where(np.array(order) < 0, 0, scores[:, order])
        rows = (scores > 0).any(1)
        if not rows.all() and rows.any():
            points, scores, detections.frames = points[rows], scores[rows], np.asarray(detections.frames)[rows]
            ids = [i for i, kept in zip(ids, rows, strict=True) if kept]
            if detections.timestamps is not None:
                detections.timestamps = np.asarray(detections.timestamps)[rows]
    detections.keypoints, detections.scores, detections.track_ids, detections.notes = points, scores, ids, notes
    return name, inferred


def describe_table(table: KeypointTable) -> str:
    """One line for the user: what was recognised and how much of it.

    For instance ``clip.json (MMPose results): skeleton coco17, 4 frames, 1 person, image 1280 x 720, fps unknown``.
    """
    frames = int(np.ptp(table.frame_indices)) + 1
    persons = len(np.unique(table.track_ids))
    size = f'{table.img_shape[1]} x {table.img_shape[0]}' if table.img_shape else 'size unknown'
    return (
        f'{table.source}: skeleton {table.skeleton}, {frames} frame{"s" * (frames != 1)}, '
        f'{persons} person{"s" * (persons != 1)}, image {size}, fps {table.fps or "unknown"}'
    )


def notes_on(table: KeypointTable) -> list[str]:
    """Lines for the user: :func:`describe_table`, the table's notes, and what is unusual in it."""
    notes, visible = [describe_table(table), *table.notes], table.keypoints_visible > 0
    gaps = np.diff(table.frame_indices)[table.track_ids[1:] == table.track_ids[:-1]]
    if len(gaps) and np.median(gaps) > 1:
        apart = f'most frames of a person are {np.median(gaps):g} apart, and those between count as missing'
        clips = f'from {table.fps or 30:.0f} on each is a clip'
        notes.append(f'{apart} ({clips}); if frame_indices are times or ids, number the frames')
    if zeros := int((visible & (table.keypoints == 0).all(-1)).sum()):
        notes.append(f'{zeros} joints at (0, 0) count as seen there; if they are missing, set keypoints_visible to 0')
    if empty := int((~visible.any(1)).sum()):
        tracks = [str(name) for name, rows in table.tracks() if not visible[rows].any()]
        never = f', nor anywhere of {", ".join(tracks[:5])}' if tracks else ''
        notes.append(f'no joint is visible in {empty} of {len(visible)} rows{never}; predictions there are a guess')
    return notes

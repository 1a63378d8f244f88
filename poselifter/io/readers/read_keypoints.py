"""The one door for 2D keypoints: recognises a file by its content and makes the table."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...structures import KeypointTable
from .document import expected_inputs, list_readers, open_document
from .joint_sets import WHOLE_BODIES, find_skeleton


def read_keypoints(
    path: str | os.PathLike,
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
        fps: frames per second; goes before what the file says.

    Returns:
        The table; ``frame_indices`` are the file's numbers, counted from
        0 where the format counts from 1. ``source`` says what was recognised.

    Raises:
        InputError: the file is missing, damaged, of another kind, has no
            person, or its joint set is unknown; the sentence names the place.
    """
    document = open_document(path)
    reader = next((reader for reader in list_readers() if reader.detect(document)), None)
    if reader is None:
        what = f'{document.error};' if document.error else f'{path}: {_outline(document.content)},'
        raise InputError(f'{what} expected {expected_inputs()}')
    detections = reader(document)
    if len(detections.keypoints) == 0:
        raise InputError(f'{path}: no person in any frame, expected at least one; nothing to lift')
    points, scores, names = detections.keypoints, detections.scores, detections.joint_names
    num_joints, notes = points.shape[1], list(detections.notes)
    if body := WHOLE_BODIES.get(num_joints):
        points, scores, names = points[:, :body], scores[:, :body], names and names[:body]
        notes.append(f'of {num_joints} joints the first {body}, the body, are read')
    name, inferred = find_skeleton(str(path), points.shape[1], skeleton or detections.skeleton, names)
    assumed = f', {points.shape[1]} joints taken as {name}' if inferred else ''
    table = KeypointTable(
        keypoints=points,
        keypoints_visible=scores,
        frame_indices=detections.frames,
        track_ids=[None] * len(points) if detections.track_ids is None else detections.track_ids,
        skeleton=name,
        img_shape=detections.img_shape if img_shape is None else img_shape,
        fps=detections.fps if fps is None else fps,
        source=f'{Path(path)} ({reader.label}{assumed})',
        notes=tuple(notes),
        timestamps=detections.timestamps,
    )
    table.check_pixels()
    return table


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


def _outline(content: Any) -> str:
    if isinstance(content, dict):
        return f'has {", ".join(map(str, list(content)[:6])) or "nothing"}'
    if not content:
        return 'is an empty list: no person in any frame'
    first = content[0]
    keys = ', '.join(list(first)[:6]) if isinstance(first, dict) else type(first).__name__
    return f'is a list whose first entry has {keys or "nothing"}'

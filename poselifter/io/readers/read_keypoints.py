"""The one door for 2D keypoints: recognises a file by its content and makes the table."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...structures import KeypointTable
from .document import Detections, expected_inputs, list_readers, open_document
from .joint_sets import find_skeleton


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
    num_joints = detections.keypoints.shape[1]
    name, inferred = find_skeleton(str(path), num_joints, skeleton or detections.skeleton, detections.joint_names)
    assumed = f', {num_joints} joints taken as {name}' if inferred else ''
    table = KeypointTable(
        keypoints=detections.keypoints,
        keypoints_visible=detections.scores,
        frame_indices=detections.frames,
        track_ids=_track_ids(detections),
        skeleton=name,
        img_shape=detections.img_shape if img_shape is None else img_shape,
        fps=detections.fps if fps is None else fps,
        source=f'{Path(path)} ({reader.label}{assumed})',
    )
    _refuse_normalised(table)
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


def _outline(content: Any) -> str:
    if isinstance(content, dict):
        return f'has {", ".join(map(str, list(content)[:6])) or "nothing"}'
    if not content:
        return 'is an empty list: no person in any frame'
    first = content[0]
    keys = ', '.join(list(first)[:6]) if isinstance(first, dict) else type(first).__name__
    return f'is a list whose first entry has {keys or "nothing"}'


def _track_ids(detections: Detections) -> np.ndarray:
    """The file's ids, or -1, -2, ... within each frame where one of them is missing."""
    if isinstance(detections.track_ids, np.ndarray):
        return detections.track_ids
    ids = detections.track_ids or [None]
    if all(isinstance(i, int) and 0 <= i < 2**63 for i in ids):
        return np.array(ids, np.int64)
    if all(isinstance(i, str) for i in ids):
        return np.array(ids)
    order = np.argsort(detections.frames, kind='stable')
    frames = detections.frames[order]
    rank = np.empty(len(frames), np.int64)
    rank[order] = np.arange(len(frames)) - np.searchsorted(frames, frames)
    return -1 - rank


def _refuse_normalised(table: KeypointTable) -> None:
    """Refuses coordinates divided by the image size, which would be lifted to nonsense."""
    seen = table.keypoints[table.keypoints_visible > 0]
    if len(seen) > 2 and np.abs(seen).max() <= 1.5:
        raise InputError(
            f'{table.source}: all coordinates lie within {np.abs(seen).max():.2g} of 0, expected pixels; '
            f'multiply x by the width and y by the height of the image'
        )

"""A reader of keypoints and a writer of poses as tables with semicolons; importing this module registers both."""

import csv
from pathlib import Path

import numpy as np

from poselifter.errors import InputError
from poselifter.io.readers import Detections, Document
from poselifter.registry import register_reader, register_writer
from poselifter.skeletons import get_skeleton
from poselifter.structures import Result
from poselifter.utils import atomic_write


def is_table(document: Document) -> bool:
    """True for a table with this header; JSON and numpy content is parsed before, and is none."""
    if document.content is not None or not document.path.is_file():
        return False
    with open(document.path, 'rb') as file:
        return file.readline().startswith(b'frame;x0;y0;')


@register_reader('ssv', 'semicolon tables', is_table)
def read_table(document: Document) -> Detections:
    """Rows of ``frame;x0;y0;x1;y1;...`` of one person; an empty or missing joint is 0, 0.

    Raises:
        InputError: a row has something that is no number.
    """
    try:
        rows = np.loadtxt(document.path, delimiter=';', skiprows=1, ndmin=2)
    except ValueError as error:
        raise InputError(f'{document.path}: {error}; expected a number in each column') from error
    points = rows[:, 1:].reshape(len(rows), -1, 2)
    return Detections(points, (points != 0).any(-1), rows[:, 0].astype(int), track_ids=[0] * len(rows))


@register_writer('ssv', '.ssv', needs=('poses',))
def write_table(path: Path, result: Result) -> None:
    """A row for each person and frame: ``track;frame``, then x, y and z of each joint in metres."""
    joints = get_skeleton(result.skeleton_3d).joint_names
    table = result.table
    with atomic_write(path) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, delimiter=';')
        writer.writerow(['track', 'frame', *(f'{joint}_{axis}' for joint in joints for axis in 'xyz')])
        for track, frame, pose in zip(table.track_ids, table.frame_indices, result.poses, strict=True):
            writer.writerow([track, frame, *pose.ravel().round(5)])

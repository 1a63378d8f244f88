"""JSON and CSV for programs and spreadsheets."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry.inverse_kinematics import inverse_kinematics
from ...geometry.joint_angles import joint_angles
from ...light_registry import register_writer
from ...skeletons import get_skeleton
from ...structures import Result
from ...utils import atomic_write

_AXES = 'camera: x right, y down, z forward'


@register_writer('json', '.json', needs=('poses', 'scores', 'keypoints'))
def write_json_result(path: Path, result: Result) -> None:
    """For each segment of a person the frames, the poses, and of actions the best and all scores.

    Of 2D keypoints alone the frames with their persons, as MMPose writes them.
    """
    document = _segments(result) if result.given() else _instances(result)
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.writelines(_pieces(document))


def _segments(result: Result) -> dict[str, Any]:
    document = {'fps': result.fps, 'classes': result.classes}
    if result.poses is not None:
        skeleton = get_skeleton(result.skeleton_3d)
        document |= {'skeleton_3d': skeleton.name, 'joints': skeleton.joint_names, 'unit': 'm', 'axes': _AXES}
        document['root'] = None if skeleton.root is None else skeleton.joint_names[skeleton.root]
    segments = zip(result.describe_segments(), result.segments, strict=True)
    document['tracks'] = [_segment(result, segment, rows) for segment, rows in segments]
    return document


def _instances(result: Result) -> dict[str, Any]:
    """Results of MMPose's demos; rate and size of the picture, which it leaves out, beside the names of the joints."""
    table, joints = result.table, get_skeleton(result.skeleton).joint_names
    meta = {'dataset_name': result.skeleton, 'keypoint_id2name': {str(k): name for k, name in enumerate(joints)}}
    meta |= {key: getattr(table, key) for key in ('fps', 'img_shape') if getattr(table, key) is not None}
    frames: dict[int, list] = {int(frame): [] for frame in np.unique(table.frame_indices)}
    seen = table.keypoints_visible > 0
    points = np.where(seen[..., None], table.keypoints.astype(float).round(3), 0)
    scores = np.where(seen, table.keypoints_visible.astype(float).round(4), 0)
    for row, (frame, track) in enumerate(zip(table.frame_indices.tolist(), table.track_ids.tolist(), strict=True)):
        person = {'track_id': track, 'keypoints': points[row].tolist(), 'keypoint_scores': scores[row].tolist()}
        frames[frame].append(person)
    info = [{'frame_id': frame + 1, 'instances': persons} for frame, persons in frames.items()]  # demos count from 1
    return {'meta_info': meta, 'instance_info': info}


def _pieces(value: Any) -> Iterator[str]:
    """JSON in pieces: the numbers of an hour would take 2 GB as Python's."""
    if isinstance(value, np.ndarray) and value.ndim > 1:
        for number, block in enumerate(blocks_of(len(value))):
            yield ('[' if number == 0 else ', ') + json.dumps(_numbers(value[block]))[1:-1]
        yield ']' if len(value) else '[]'
    elif isinstance(value, dict):
        for number, (key, item) in enumerate(value.items()):
            yield ('{' if number == 0 else ', ') + json.dumps(key) + ': '
            yield from _pieces(item)
        yield '}' if value else '{}'
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, item in enumerate(value):
            yield '[' if number == 0 else ', '
            yield from _pieces(item)
        yield ']'
    else:
        yield json.dumps(value)


def _segment(result: Result, segment: dict[str, Any], rows: slice) -> dict[str, Any]:
    track = {'track': segment['track'], 'frames': segment['frames'].tolist()}
    arrays = {'keypoints_3d': result.poses, 'root_3d': result.root, 'uncertainty': result.uncertainty}
    track |= {name: array[rows] for name, array in arrays.items() if array is not None}
    if result.scores is not None:
        scores, classes = segment['scores'], result.classes
        track['top'] = [{'class': name, 'score': round(score, 4)} for name, score in segment['top']]
        track['best'] = [classes[i] for i in scores.argmax(1)]
        track['scores'] = {name: scores[:, i].round(4).tolist() for i, name in enumerate(classes)}
    return track


def _numbers(array: np.ndarray) -> list:
    """Nested lists, to 0.01 mm, with ``None`` for NaN, which JSON does not know."""
    array = np.asarray(array, float).round(5)
    return np.where(np.isnan(array), None, array.astype(object)).tolist()


@register_writer('csv', '.csv', needs=('poses', 'keypoints'))
def write_csv(path: Path, result: Result) -> None:
    """A row for each person in each frame: track, frame, time in seconds, and x, y, z of each joint in metres.

    Camera axes, relative to the root, whose place is in ``root_x`` and so on where it is known; ``_sd`` is the standard
    deviation where it is known. An empty cell is a joint that is not known. Of 2D keypoints alone x, y in pixels, and
    the score of each joint.
    """
    if result.poses is None:
        _write_keypoints(path, result)
        return
    names, blocks = [], []
    joints = get_skeleton(result.skeleton_3d).joint_names
    if result.root is not None:
        names, blocks = [f'root_{axis}' for axis in 'xyz'], [result.root]
    names += [f'{joint}_{axis}' for joint in joints for axis in 'xyz']
    blocks.append(result.poses.reshape(len(result.poses), -1))
    if result.uncertainty is not None:
        names += [f'{joint}_sd' for joint in joints]
        blocks.append(result.uncertainty)
    _write_rows(path, result, names, np.concatenate(blocks, 1), 5)


def _write_keypoints(path: Path, result: Result) -> None:
    table, joints = result.table, get_skeleton(result.skeleton).joint_names
    points = np.where(table.keypoints_visible[..., None] > 0, table.keypoints, np.nan)
    values = np.concatenate([points, table.keypoints_visible[..., None]], -1).reshape(len(points), -1)
    _write_rows(path, result, [f'{joint}_{column}' for joint in joints for column in ('x', 'y', 'score')], values, 4)


@register_writer('angles', '_angles.csv', needs=('poses',))
def write_angles(path: Path, result: Result) -> None:
    """A row for each person in each frame: track, frame, time in seconds, and angles of joints in degrees."""
    angles = []
    for _, person in result.persons():
        motion = inverse_kinematics(person.poses, person.skeleton_3d, person.fps)
        angles.append(joint_angles(motion, person.poses, person.skeleton_3d))
    columns = {name: np.concatenate([of_person[name] for of_person in angles]) for name in angles[0]}
    known = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    _write_rows(path, result, list(known), np.stack(list(known.values()), 1), 2)


def _write_rows(path: Path, result: Result, names: Iterable[str], values: np.ndarray, digits: int) -> None:
    table, seconds = result.table, result.table.seconds(result.fps)
    ids = table.track_ids.astype(str)
    if table.track_ids.dtype.kind == 'i':
        ids[table.track_ids < 0] = ''  # nobody knows who it is
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as file:
        rows = csv.writer(file)
        rows.writerow(['track', 'frame', 'time', *names])
        for block in blocks_of(len(values)):
            head = [ids[block], table.frame_indices[block].astype(str)]
            rows.writerows(np.column_stack([*head, as_text(seconds[block], 6), as_text(values[block], digits)]))


def blocks_of(rows: int) -> Iterator[slice]:
    """Parts of a table, since text takes ten times the room of numbers."""
    return (slice(start, start + 4096) for start in range(0, rows, 4096))


def as_text(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers with some digits after the point, nothing for NaN."""
    return np.where(np.isnan(values), '', np.char.mod(f'%.{digits}f', values))

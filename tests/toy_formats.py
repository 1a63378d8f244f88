"""A small file of each format of other tools, made of the same two persons, or of the same motion."""

import csv
import json
import pickle
import struct
from pathlib import Path

import numpy as np

from poselifter.skeletons import get_skeleton

SIZE = 1280, 720
T = 4
_BODY = np.random.default_rng(0).uniform(150, 500, (17, 2)).round(1)
#: (4, 2, 17, 3) pixels and scores of two persons 500 px apart, walking 5 px a frame; the second is away in frame 2.
PERSONS = np.ones((T, 2, 17, 3))
PERSONS[..., :2] = _BODY + np.arange(2)[:, None, None] * [500, 0] + np.arange(T)[:, None, None, None] * [5, 0]
PERSONS[..., 2] = np.random.default_rng(1).uniform(0.5, 1, (T, 2, 17)).round(2)
SHOWN = [(t, p) for t in range(T) for p in range(2) if (t, p) != (2, 1)]
NAMES = get_skeleton('coco17').joint_names
MOTION = np.random.default_rng(2).uniform(0.1, 1.7, (T, 17, 3)).round(4)


def _table(path: Path, rows: list, delimiter: str = ',') -> Path:
    with open(path, 'w', newline='') as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def _json(path: Path, content) -> Path:
    path.write_text(json.dumps(content))
    return path


def _flat(t: int, p: int) -> list[float]:
    return PERSONS[t, p].ravel().tolist()


def openpose(folder: Path) -> Path:
    (folder / 'openpose').mkdir()
    for t in range(T):
        people = [{'person_id': [-1], 'pose_keypoints_2d': _flat(t, p)} for p in range(2) if (t, p) in SHOWN]
        _json(folder / f'openpose/walk_{t:012d}_keypoints.json', {'version': 1.3, 'people': people})
    return folder / 'openpose'


def yolo_labels(folder: Path) -> Path:
    (folder / 'labels').mkdir()
    for t in range(T):
        lines = []
        for p in [p for p in range(2) if (t, p) in SHOWN]:
            joints = PERSONS[t, p] / [*SIZE, 1]
            lines.append(' '.join(f'{x:.8g}' for x in [0, 0.5, 0.5, 0.2, 0.4, *joints.ravel(), 0.9, p + 1]))
        (folder / f'labels/clip_{t + 1}.txt').write_text('\n'.join(lines))
    return folder / 'labels'


def yolo_json(folder: Path) -> Path:
    frames = [[] for _ in range(T)]
    for t, p in SHOWN:
        x, y, visible = PERSONS[t, p].T.tolist()
        frames[t].append({'name': 'person', 'track_id': p, 'keypoints': {'x': x, 'y': y, 'visible': visible}})
    return _json(folder / 'yolo.json', frames)


def mediapipe(folder: Path) -> Path:
    frames = []
    for t in range(T):
        persons = []
        for p in [p for p in range(2) if (t, p) in SHOWN]:
            joints = np.concatenate([PERSONS[t, p], PERSONS[t, p][:16]]) / [*SIZE, 1]
            persons.append([{'x': x, 'y': y, 'z': 0.1, 'visibility': v} for x, y, v in joints.tolist()])
        frames.append({'timestamp_ms': 40 * t, 'pose_landmarks': persons})
    return _json(folder / 'mediapipe.json', frames)


def _padded() -> tuple[np.ndarray, np.ndarray]:
    shown = np.array([[(t, p) in SHOWN for p in range(2)] for t in range(T)])[..., None]
    return np.where(shown[..., None], PERSONS[..., :2], np.nan), np.where(shown, PERSONS[..., 2], 0)


def rtmlib(folder: Path) -> Path:
    points, scores = _padded()
    np.savez(folder / 'rtmlib.npz', keypoints=points, scores=scores, fps=30.0, image_size=SIZE)
    return folder / 'rtmlib.npz'


def rtmlib_pickle(folder: Path) -> Path:
    shown = [[p for p in range(2) if (t, p) in SHOWN] for t in range(T)]
    pairs = [(PERSONS[t, rows, :, :2], PERSONS[t, rows, :, 2]) for t, rows in enumerate(shown)]
    (folder / 'rtmlib.pkl').write_bytes(pickle.dumps(pairs))
    return folder / 'rtmlib.pkl'


def pyskl(folder: Path) -> Path:
    points, scores = (np.nan_to_num(a).swapaxes(0, 1) for a in _padded())
    clip = {'frame_dir': 'a', 'label': 0, 'img_shape': SIZE[::-1], 'total_frames': T}
    content = {'split': {'train': ['a']}, 'annotations': [{**clip, 'keypoint': points, 'keypoint_score': scores}]}
    (folder / 'pyskl.pkl').write_bytes(pickle.dumps(content))
    return folder / 'pyskl.pkl'


def _columns() -> tuple[list, np.ndarray]:
    columns = [(f'ind{p}', name, axis) for p in range(2) for name in NAMES for axis in ('x', 'y', 'likelihood')]
    points, scores = _padded()
    values = np.concatenate([points, scores[..., None]], -1)
    values[np.isnan(points).any(-1)] = np.nan
    return columns, values.reshape(T, -1)


def deeplabcut(folder: Path) -> Path:
    columns, values = _columns()
    rows = enumerate(('individuals', 'bodyparts', 'coords'))
    header = [[name, *(column[i] for column in columns)] for i, name in rows]
    body = [[t, *('' if np.isnan(v) else v for v in row)] for t, row in enumerate(values.tolist())]
    return _table(folder / 'dlc.csv', [['scorer', *['net'] * len(columns)], *header, *body])


def deeplabcut_h5(folder: Path) -> Path:
    """As pandas 3.1 writes a table of the format ``table`` with PyTables 3.11."""
    import h5py

    columns, values = _columns()
    axes = pickle.dumps([(1, [('net', *column) for column in columns])], 0)
    table = np.zeros(T, [('index', '<i8'), ('values_block_0', '<f8', (len(columns),))])
    table['index'], table['values_block_0'] = np.arange(T), values
    with h5py.File(folder / 'dlc.h5', 'w') as file:
        file.create_group('df_with_missing').attrs['non_index_axes'] = np.bytes_(axes)
        file['df_with_missing/table'] = table
    return folder / 'dlc.h5'


def sleap(folder: Path) -> Path:
    import h5py

    points, scores = _padded()
    with h5py.File(folder / 'sleap.h5', 'w') as file:
        file['tracks'], file['point_scores'] = points.transpose(1, 3, 2, 0), scores.transpose(1, 2, 0)
        file['node_names'], file['track_names'] = np.array(NAMES, 'S'), np.array(['a', 'b'], 'S')
    return folder / 'sleap.h5'


def csv_wide(folder: Path) -> Path:
    """As SLEAP writes it."""
    header = ['track', 'frame_idx', 'instance.score', *(f'{n}.{axis}' for n in NAMES for axis in ('x', 'y', 'score'))]
    return _table(folder / 'wide.csv', [header, *(['ab'[p], t, 0.9, *_flat(t, p)] for t, p in SHOWN)])


def csv_long(folder: Path) -> Path:
    rows = [[t, p, n, *PERSONS[t, p, j]] for t, p in SHOWN for j, n in enumerate(NAMES)]
    return _table(folder / 'long.csv', [['frame', 'person_id', 'joint', 'x', 'y', 'visibility'], *rows], ';')


FORMATS_2D = {
    'OpenPose folders': openpose, 'YOLO label folders': yolo_labels, 'YOLO JSON': yolo_json,
    'MediaPipe landmarks': mediapipe, 'rtmlib arrays': rtmlib, 'PYSKL pickles': pyskl, 'DeepLabCut files': deeplabcut,
    'SLEAP analysis files': sleap, 'CSV tables': csv_wide,
}  # fmt: skip
#: Further files of the same formats.
MORE_2D = {'rtmlib pickle': rtmlib_pickle, 'DeepLabCut HDF5': deeplabcut_h5, 'CSV of joints': csv_long}


def trc(folder: Path) -> Path:
    names = [cell for name in get_skeleton('h36m17').joint_names for cell in (name, '', '')]
    axes = ['', '', *(f'{axis}{n + 1}' for n in range(17) for axis in 'XYZ')]
    keys = [
        'DataRate',
        'CameraRate',
        'NumFrames',
        'NumMarkers',
        'Units',
        'OrigDataRate',
        'OrigDataStartFrame',
        'OrigNumFrames',
    ]
    motion = MOTION.reshape(T, -1).tolist()
    motion[1][12:15] = '', '', ''  # a marker that is not seen
    body = [[t + 1, t / 25, *row] for t, row in enumerate(motion)]
    rows = [['PathFileType', 4, '(X/Y/Z)', 'a.trc'], keys, [25, 25, T, 17, 'm', 25, 1], ['Frame#', 'Time', *names]]
    return _table(folder / 'a.trc', [*rows, axes, [], *body], '\t')


def c3d(folder: Path) -> Path:
    """A C3D of Intel floats with the parameters that a reader needs."""
    labels = b''.join(name.ljust(16).encode() for name in get_skeleton('h36m17').joint_names)
    parameters = b'\1\x50\2\x54' + _group(b'POINT', 1)
    parameters += _parameter(b'LABELS', 1, -1, (16, 17), labels) + _parameter(b'UNITS', 1, -1, (1,), b'm')
    parameters += _parameter(b'Y_SCREEN', 1, -1, (2,), b'+Z') + b'\0\0'
    points = np.concatenate([MOTION, np.zeros((T, 17, 1))], -1).astype('<f4')
    points[1, 4] = [0, 0, 0, -1]
    header = struct.pack('<BBHHHHHfHHf', 2, 0x50, 17, 0, 1, T, 0, -1.0, 4, 0, 25.0)
    path = folder / 'a.c3d'
    path.write_bytes(header.ljust(512, b'\0') + parameters.ljust(1024, b'\0') + points.tobytes().ljust(1536, b'\0'))
    return path


def _group(name: bytes, number: int) -> bytes:
    return struct.pack('<bb', len(name), -number) + name + struct.pack('<HB', 3, 0)


def _parameter(name: bytes, group: int, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
    body = struct.pack('<bB', kind, len(shape)) + bytes(shape) + data + b'\0'
    return struct.pack('<bb', len(name), group) + name + struct.pack('<H', 2 + len(body)) + body


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT LeftUpLeg
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -40 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 90 0 0 0 0 90 0 0
5 90 0 0 0 90 0 0 0
"""


def bvh(folder: Path) -> Path:
    (folder / 'a.bvh').write_text(BVH)
    return folder / 'a.bvh'


def amass(folder: Path) -> Path:
    poses, trans = np.random.default_rng(0).normal(0, 0.3, (T, 156)), np.zeros((T, 3))
    np.savez(folder / 'a.npz', poses=poses, trans=trans, betas=np.zeros(16), gender='male', mocap_framerate=60.0)
    return folder / 'a.npz'


FORMATS_3D = {'TRC files': trc, 'C3D files': c3d, 'BVH files': bvh, 'AMASS recordings': amass}

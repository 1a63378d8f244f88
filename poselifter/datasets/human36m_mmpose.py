"""Human3.6M as MMPose keeps it."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import project, world_to_camera
from ..registry import DATASETS
from ..utils.arrays import load_array
from .calibration import mocap_cameras, view_info
from .human36m import ACTIONS, Human36mDataset
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, Table, runs

_VIDEO = re.compile(r'(S\d+)_([A-Za-z]+)((?:[ _]\d+)?)\.(\d{8})$')
_RENAMED = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}
_NEAR = 10.0  # pixels that projections and true 2D joints may be apart; a wrong camera is off by hundreds
_HOW = 'make it by tools/dataset_converters/preprocess_h36m.py of MMPose, and put it below data_root'
_FILE = Table({'part': ('keypoints', (17, 3), 1), 'S': ('lifting_target', (17, 4), 1)}, ('imgname',), _HOW)


@DATASETS.register_module()
class Human36mMMPoseDataset(SequenceDataset):
    """``annotation_body3d/fps50/h36m_train.npz`` or ``h36m_test.npz``: a row an image, put together to sequences.

    Keys ``imgname``, ``part`` (N, 17, 3) true pixels, ``S`` (N, 17, 4) metres. A sequence's rows are brought into the
    order of time; its frame rate follows from the numbers in the names. Whether poses are in the camera's frame or in
    the world's is inferred by projecting them.

    Args:
        ann_file: the npz below ``data_root``.
        keypoint_file: detections for the same rows, an npy (N, 17, 2 or 3)
            below ``data_root``; ``None`` takes ``part``.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: a file is missing or wrong, or its numbers fit no camera.
    """

    METAINFO = Human36mDataset.METAINFO

    def __init__(self, keypoint_file: str | None = None, **kwargs: Any) -> None:
        self.keypoint_file = keypoint_file
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        arrays, labels = _FILE.read(self.ann_file, ('imgname', 'part', 'S'))
        # S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg
        videos, _, files = np.char.rpartition(labels['imgname'].astype(str), '_').T
        names, rows = np.unique(videos, return_inverse=True)
        numbers = np.char.partition(files, '.')[:, 0].astype(int)
        order = np.lexsort((numbers, rows))
        detections, numbers = self._detections(arrays['keypoints'])[order], numbers[order]
        part, poses = arrays['keypoints'][order], arrays['lifting_target'][order, :, :3]
        infos = []
        for run in runs(rows[order]):
            first, frames = run['first'], slice(run['first'], run['first'] + run['length'])
            video = str(names[rows[order[first]]])
            infos.append({**run, **self._sequence(video, numbers[frames], part[first], poses[frames])})
        content = {'keypoints': detections[..., :2].astype(np.float32), 'lifting_target': poses}
        if detections.shape[-1] > 2:
            content['keypoints_visible'] = detections[..., 2].astype(np.float32)
        return Sequences(content, infos)

    def _sequence(self, video: str, numbers: np.ndarray, part: np.ndarray, poses: np.ndarray) -> dict[str, Any]:
        """The metadata of a sequence, whose ``poses`` are brought into the camera's frame."""
        match = _VIDEO.search(video)
        subject, action, take, name = match.groups() if match else ('', '', '', '')
        camera = mocap_cameras('h36m').get(subject, {}).get(name)
        if camera is None:
            raise InputError(
                f'{self.ann_file}: images of {video}, expected names such as S1_Directions_1.54138969_000001.jpg'
            )
        for framed in (poses, world_to_camera(poses, camera)):
            if np.abs(project(framed[0], camera) - part[:, :2]).max() < _NEAR:
                poses[:] = framed
                break
        else:
            raise InputError(f'{self.ann_file}: poses of {video} are not where part is, in either frame; {_HOW}')
        action = _RENAMED.get(action, action)
        sequence = f'{subject}/{action}{take.replace("_", " ")}/{name}'
        fps = 50.0 / float(np.median(np.diff(numbers))) if len(numbers) > 1 else 50.0
        return {'sequence': sequence, 'subject': subject, 'fps': fps, **view_info(name, camera, action, ACTIONS)}

    def _detections(self, part: np.ndarray) -> np.ndarray:
        if self.keypoint_file is None:
            return part[..., :2]
        path = Path(self.data_root or '') / self.keypoint_file
        array = load_array(path, how="it is one of MMPose's joint_2d_det_files, put it below data_root")
        if array.ndim != 3 or array.shape[:2] != part.shape[:2] or array.shape[2] not in (2, 3):
            raise InputError(f'{path} has shape {array.shape}, expected {part.shape[:2]} + (2 or 3,)')
        return array

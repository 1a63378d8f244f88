"""Human3.6M as MMPose keeps it."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import project, world_to_camera
from ..registry import DATASETS
from ..utils.arrays import load_arrays
from .captured import CapturedDataset
from .human36m import ACTIONS, Human36mDataset
from .mocap_cameras import mocap_cameras

_VIDEO = re.compile(r'(S\d+)_([A-Za-z]+)((?:[ _]\d+)?)\.(\d{8})$')
_RENAMED = {'TakingPhoto': 'Photo', 'WalkingDog': 'WalkDog'}
_NEAR = (
    10.0  # pixels that projections and true 2D joints may be apart: what does not belong together is off by hundreds
)
_HOW = 'make it by tools/dataset_converters/preprocess_h36m.py of MMPose, and put it below data_root'


@DATASETS.register_module()
class Human36mMMPoseDataset(CapturedDataset):
    """``annotation_body3d/fps50/h36m_train.npz`` or ``h36m_test.npz``: a row an image, put together to sequences.

    Keys ``imgname``, ``part`` (N, 17, 3) true pixels, ``S`` (N, 17, 4) metres. A
    sequence's rows are brought into the order of time; its frame rate follows
    from the numbers in the names. Whether poses are in the camera's frame or in
    the world's is told by projecting them.

    Args:
        ann_file: the npz below ``data_root``.
        keypoint_file: detections for the same rows, an npy (N, 17, 2 or 3)
            below ``data_root``; ``None`` takes ``part``.
        **kwargs: see :class:`BaseMotionDataset`.

    Raises:
        InputError: a file is missing or wrong, or its numbers fit no camera.
    """

    METAINFO = Human36mDataset.METAINFO

    def __init__(self, keypoint_file: str | None = None, **kwargs: Any) -> None:
        self.keypoint_file = keypoint_file
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads the rows and lists the sequences."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise InputError(f'{path} is not there; {_HOW}')
        entries = load_arrays(path)
        shapes = {key: entries[key].shape[1:] for key in ('imgname', 'part', 'S') if key in entries}
        if shapes != {'imgname': (), 'part': (17, 3), 'S': (17, 4)}:
            raise InputError(f'{path} has rows {shapes}, expected imgname (), part (17, 3), S (17, 4); {_HOW}')
        # S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg
        videos, _, files = np.char.rpartition(entries['imgname'].astype(str), '_').T
        names, rows = np.unique(videos, return_inverse=True)
        numbers = np.char.partition(files, '.')[:, 0].astype(int)
        order = np.lexsort((numbers, rows))
        seen = self._detections(entries['part'])[order].astype(np.float32)
        self.arrays = {'keypoints': seen[..., :2], 'lifting_target': entries['S'][order, :, :3].astype(np.float32)}
        if seen.shape[-1] > 2:
            self.arrays['keypoints_visible'] = seen[..., 2]
        counts = np.bincount(rows, minlength=len(names))
        firsts = np.cumsum(counts) - counts
        return [
            self._sequence(path, name, int(first), numbers[order[first : first + n]], entries['part'][order[first]])
            for name, first, n in zip(names.tolist(), firsts, counts, strict=True)
        ]

    def _sequence(self, path: Path, video: str, first: int, numbers: np.ndarray, part: np.ndarray) -> dict[str, Any]:
        """The facts of a sequence, whose poses are brought into the camera's frame."""
        found = _VIDEO.search(video)
        subject, action, take, name = found.groups() if found else ('', '', '', '')
        camera = mocap_cameras('h36m').get(subject, {}).get(name)
        if camera is None:
            raise InputError(f'{path}: images of {video}, expected names such as S1_Directions_1.54138969_000001.jpg')
        poses = self.arrays['lifting_target'][first : first + len(numbers)]
        for framed in (poses, world_to_camera(poses, camera)):
            if np.abs(project(framed[0], camera) - part[:, :2]).max() < _NEAR:
                poses[:] = framed
                break
        else:
            raise InputError(f'{path}: poses of {video} are not where part is, in camera nor world frame; {_HOW}')
        action = _RENAMED.get(action, action)
        return {
            'sequence': f'{subject}/{action}{take.replace("_", " ")}/{name}',
            'subject': subject,
            'camera': name,
            'camera_param': camera.to_dict(),
            'action': ACTIONS.index(action) if action in ACTIONS else -1,
            'action_name': action,
            'img_shape': camera.size[::-1],
            'first': first,
            'length': len(numbers),
            'fps': 50.0 / float(np.median(np.diff(numbers))) if len(numbers) > 1 else 50.0,
        }

    def _detections(self, part: np.ndarray) -> np.ndarray:
        if self.keypoint_file is None:
            return part[..., :2]
        path = Path(self.data_root or '') / self.keypoint_file
        if not path.is_file():
            raise InputError(f"{path} is not there; it is one of MMPose's joint_2d_det_files, put it below data_root")
        found = np.load(path, allow_pickle=False)
        if found.ndim != 3 or found.shape[:2] != part.shape[:2] or found.shape[2] not in (2, 3):
            raise InputError(f'{path} has shape {found.shape}, expected {part.shape[:2]} + (2 or 3,)')
        return found

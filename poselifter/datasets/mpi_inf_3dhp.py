"""MPI-INF-3DHP as P-STMO and its followers keep it."""

from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..geometry import Camera
from ..registry import DATASETS
from ..utils.arrays import load_arrays
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, check_rows

_HOW = 'make it from vcai.mpi-inf.mpg.de/3dhp-dataset as docs/datasets/mpi_inf_3dhp.md says, and put it below data_root'
_OUTDOOR = {'TS5': (1080, 1920), 'TS6': (1080, 1920)}  # all others are 2048 x 2048
_MM = 1000.0


@DATASETS.register_module()
class MPIINF3DHPDataset(SequenceDataset):
    """MPI-INF-3DHP, 17 joints with the root at 14: ``data_train_3dhp.npz`` or ``data_test_3dhp.npz``.

    The files hold true 2D and ``univ_annot3``, the pose scaled to the height of Human3.6M's people, in the camera's
    frame (or ``annot3``, people as tall as they are: the converter's ``--annotated``); their millimetres become metres
    here. Training has 8 subjects, 2 sequences each (25 or 50 fps), 8 cameras; the test has ``TS1`` to ``TS6``, of whose
    frames only the valid ones are labelled: the others serve as context.

    Args:
        ann_file: either file below ``data_root``; which one is detected.
        valid_only: leaves the test frames without a label out, so that those around a gap become neighbours (MMPose's
            preparation).
        fit_cameras: whether samples get ``camera_param``, which the files lack: the pinhole camera that fits the 2D and
            3D of a view.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: the file is missing or wrong, or no camera makes the 2D of the 3D.

    Source: Mehta et al. (3DV 2017); files by Shan et al., P-STMO (ECCV 2022).
    """

    METAINFO = {'dataset_name': 'mpi_inf_3dhp', 'skeleton': 'mpi_inf_3dhp17', 'skeleton_3d': 'mpi_inf_3dhp17'}

    def __init__(self, *args: Any, valid_only: bool = False, fit_cameras: bool = False, **kwargs: Any) -> None:
        self.valid_only, self.fit_cameras = valid_only, fit_cameras
        super().__init__(*args, **kwargs)

    def load(self) -> Sequences:
        data = load_arrays(self.ann_file, ['data'], names=(), how=_HOW)['data']
        views = []
        with reading(f'{self.ann_file} is no dict of sequences', _HOW):
            for name, entry in data.item().items():
                if isinstance(entry, dict):
                    views.append((name, '', {}, entry))
                else:  # a training sequence: its cameras and its frame rate
                    cameras, fps = entry
                    views += [(name, camera, {'fps': float(fps)}, view) for camera, view in cameras.items()]
            labelled = any('valid' in view for *_, view in views)
        infos, parts = [], []
        for name, camera, rate, view in views:
            info = {'sequence': f'{name} {camera}'.strip(), 'subject': name.split(' ')[0], 'camera': camera, **rate}
            infos.append({**info, 'img_shape': _OUTDOOR.get(name, (2048, 2048))})
            shapes = {'data_2d': (17, 2), 'data_3d': (17, 3), **({'valid': None} if labelled else {})}
            count = check_rows(f'{self.ann_file}: {name} {camera}', view, shapes, _HOW)
            part = {'keypoints': np.asarray(view['data_2d'], np.float32)}
            part['lifting_target'] = np.asarray(view['data_3d'] / _MM, np.float32)
            if labelled:  # only the valid frames count
                valid = np.asarray(view['valid'], np.float32).reshape(count, 1) != 0
                part['lifting_target_visible'] = np.repeat(valid, 17, 1).astype(np.float32)
                if self.valid_only:
                    part = {key: array[valid[:, 0]] for key, array in part.items()}
            if self.fit_cameras:
                rows = part['lifting_target_visible'][:, 0] > 0 if labelled else slice(None)
                infos[-1]['camera_param'] = fit_camera(part['lifting_target'][rows], part['keypoints'][rows], info)
            parts.append(part)
        return Sequences.joined(parts, infos)


def fit_camera(points: np.ndarray, pixels: np.ndarray, view: dict[str, Any]) -> dict[str, Any]:
    """The pinhole camera, as a dict, that projects points (n, J, 3), its frame, nearest to pixels (n, J, 2).

    Raises:
        InputError: they are more than 10 pixels apart on average.
    """
    rays = (points[..., :2] / points[..., 2:]).reshape(-1, 2).astype(np.float64)
    pixels = pixels.reshape(-1, 2).astype(np.float64)
    spread = rays - rays.mean(0)
    focal = (spread * pixels).sum(0) / (spread**2).sum(0)
    centre = pixels.mean(0) - focal * rays.mean(0)
    error = np.linalg.norm(rays * focal + centre - pixels, axis=1).mean()
    if not error <= 10:
        raise InputError(
            f'MPIINF3DHPDataset: {view["sequence"]}: through the camera that fits best, 2D is {error:.0f} pixels from '
            f'3D, expected 10 at most; take files whose 2D is true, or leave fit_cameras out'
        )
    return Camera(focal, centre).to_dict()

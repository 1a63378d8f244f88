"""MPI-INF-3DHP as P-STMO and its followers keep it."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..utils.arrays import load_arrays
from .captured import CapturedDataset

_HOW = (
    'make it from the data of vcai.mpi-inf.mpg.de/3dhp-dataset as docs/datasets/mpi_inf_3dhp.md says, '
    'and put it below data_root'
)
_OUTDOOR = {'TS5': (1080, 1920), 'TS6': (1080, 1920)}  # all others are 2048 x 2048
_MM = 1000.0


@DATASETS.register_module()
class MPIINF3DHPDataset(CapturedDataset):
    """MPI-INF-3DHP, 17 joints with the root at 14: ``data_train_3dhp.npz`` or ``data_test_3dhp.npz``.

    The files hold true 2D and ``univ_annot3``, the pose scaled to the height of
    Human3.6M's people, in the camera's frame; their millimetres become metres
    here. Training has 8 subjects, 2 sequences each (25 or 50 fps), 8 cameras;
    the test has ``TS1`` to ``TS6``, of whose frames only the valid ones are
    labelled: the others serve as context.

    Args:
        ann_file: either file below ``data_root``; which one it is, it tells itself.
        **kwargs: see :class:`BaseMotionDataset`.

    Raises:
        InputError: the file is missing or wrong.

    Source: Mehta et al. (3DV 2017); files by Shan et al., P-STMO (ECCV 2022).
    """

    METAINFO = {'dataset_name': 'mpi_inf_3dhp', 'skeleton': 'mpi_inf_3dhp17', 'skeleton_3d': 'mpi_inf_3dhp17'}

    def load_data_list(self) -> list[dict]:
        """Reads the file and lists the sequences: in training every one of every camera."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise InputError(f'{path} is not there; {_HOW}')
        content = load_arrays(path)
        if 'data' not in content:
            raise InputError(f'{path} has {sorted(content)}, expected data; {_HOW}')
        views = []
        for name, entry in content['data'].item().items():
            if isinstance(entry, dict):
                views.append((name, '', {}, entry))
            else:  # a training sequence: its cameras and its frame rate
                cameras, fps = entry
                views += [(name, camera, {'fps': float(fps)}, view) for camera, view in cameras.items()]
        for name, camera, _, view in views:
            self._check(f'{path}: {name} {camera}', view)
        firsts = np.cumsum([0, *(len(view['data_2d']) for *_, view in views)])
        self.arrays = {
            'keypoints': np.concatenate([np.asarray(view['data_2d'], np.float32) for *_, view in views]),
            'lifting_target': np.concatenate([np.asarray(view['data_3d'] / _MM, np.float32) for *_, view in views]),
        }
        if any('valid' in view for *_, view in views):
            valid = np.concatenate([np.asarray(view['valid'], np.float32).reshape(-1) != 0 for *_, view in views])
            self.arrays['lifting_target_visible'] = np.repeat(valid[:, None], 17, 1).astype(np.float32)
        return [
            {
                'sequence': f'{name} {camera}'.strip(),
                'subject': name.split(' ')[0],
                'camera': camera,
                'img_shape': _OUTDOOR.get(name, (2048, 2048)),
                'first': int(first),
                'length': len(view['data_2d']),
                **facts,
            }
            for first, (name, camera, facts, view) in zip(firsts[:-1], views, strict=True)
        ]

    @staticmethod
    def _check(where: str, view: Any) -> None:
        shapes = {key: np.shape(value) for key, value in view.items()} if isinstance(view, dict) else type(view)
        n = len(view['data_2d']) if isinstance(view, dict) and 'data_2d' in view else None
        expected = {'data_2d': (n, 17, 2), 'data_3d': (n, 17, 3)}
        if n is None or {**shapes, **expected} != shapes or len(view.get('valid', view['data_2d'])) != n:
            raise InputError(f'{where} is {shapes}, expected data_2d (n, 17, 2), data_3d (n, 17, 3), valid (n,)')

"""Files in the format of P-STMO's ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from .h36m import KEPT, make_take, write_objects

# of h36m17, in 3DHP's order
_JOINTS = [10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9]
TRAIN = {'S1 Seq1': (40, 25), 'S1 Seq2': (55, 50), 'S8 Seq1': (33, 25)}
TEST = {'TS1': 14, 'TS2': 11, 'TS3': 9, 'TS4': 12, 'TS5': 10, 'TS6': 8}


def make_view(rng: np.random.Generator, frames: int, size: tuple[int, int]) -> dict[str, Any]:
    """True pixels and millimetres in a camera's frame."""
    body = make_take(rng, frames)[:, KEPT][:, _JOINTS].astype(np.float64)
    pose = np.stack([body[..., 0], 0.95 - body[..., 2], body[..., 1] + 4], -1) * 1000
    pixels = pose[..., :2] / pose[..., 2:] * 1500 + np.array(size) / 2
    return {'data_2d': pixels, 'data_3d': pose}


def write_3dhp(folder: Path, seed: int = 0) -> Path:
    """Writes both files."""
    rng = np.random.default_rng(seed)
    cameras = ('0', '1', '2', '4', '5', '6', '7', '8')
    train = {k: [{c: make_view(rng, n, (2048, 2048)) for c in cameras}, fps] for k, (n, fps) in TRAIN.items()}
    test = {}
    for name, n in TEST.items():
        view = make_view(rng, n, (1920, 1080) if name in ('TS5', 'TS6') else (2048, 2048))
        test[name] = {**view, 'valid': (rng.random(n) < 0.6).astype(np.float64)}
    write_objects(folder / 'data_train_3dhp.npz', data=train)
    write_objects(folder / 'data_test_3dhp.npz', data=test)
    return folder


def write_annotations(folder: Path, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """``annot.mat`` of S3/Seq1 and ``annot_data.mat`` of TS5, as published; their arrays by file."""
    import h5py

    rng, written = np.random.default_rng(seed), {}
    kinds = {'annot2': 2, 'annot3': 3, 'univ_annot3': 3}
    train = {name: rng.uniform(1, 2000, (14, 9, 28 * d)) for name, d in kinds.items()}
    cells = {name: np.empty((14, 1), object) for name in train}
    for name, array in train.items():
        cells[name][:, 0] = list(array)
    for name in ('S3/Seq1', 'mpi_inf_3dhp_test_set/TS5'):
        (folder / name).mkdir(parents=True)
    savemat(folder / 'S3/Seq1/annot.mat', {**cells, 'cameras': np.arange(14)})
    test = {name: rng.uniform(1, 1000, (6, 1, 17, d)) for name, d in kinds.items()}
    test['valid_frame'] = np.array([[1], [1], [0], [1], [0], [1]], float)
    with h5py.File(folder / 'mpi_inf_3dhp_test_set/TS5/annot_data.mat', 'w') as file:
        for name, array in test.items():
            file[name] = array
    written['train'], written['test'] = train, test
    return written

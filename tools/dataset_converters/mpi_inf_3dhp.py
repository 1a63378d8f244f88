"""Makes P-STMO's two files from the annotations of MPI-INF-3DHP.

    python tools/dataset_converters/mpi_inf_3dhp.py SRC_DIR data/mpi_inf_3dhp [--annotated]

SRC_DIR holds ``S1/Seq1/annot.mat`` to ``S8/Seq2/annot.mat`` and, anywhere below it, ``TS1/annot_data.mat`` to ``TS6``;
either half alone makes its file. The poses are ``univ_annot3``, everybody scaled to the height of Human3.6M's people,
as P-STMO and its followers use them; ``--annotated`` takes ``annot3``, people as tall as they are, as MixSTE's configs
do. Both are in millimetres.
"""

from pathlib import Path

import numpy as np
from scipy.io import loadmat

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, reading, run_program
from poselifter.skeletons import get_skeleton
from poselifter.utils import run_parallel
from poselifter.utils.arrays import save_arrays

CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # at the height of the chest
FIFTY = ('S1 Seq2', 'S3 Seq1', 'S3 Seq2', 'S5 Seq1', 'S5 Seq2')  # frames a second; the others have 25
KEPT = [get_skeleton('mpi_inf_3dhp28').joint_names.index(j) for j in get_skeleton('mpi_inf_3dhp17').joint_names]


def train_sequence(path: Path, key: str) -> dict[str, dict[str, np.ndarray]]:
    """By camera ``data_2d`` (n, 17, 2) pixels and ``data_3d`` (n, 17, 3) mm of an ``annot.mat``."""
    views = {}
    with reading(
        f'{path} has no annot2 and {key} of 14 cameras', 'download it again', (Exception,)
    ):  # scipy has its own
        file = _read_mat(path)
        for camera in CAMERAS:
            flat, pose = (file[name][camera][0] for name in ('annot2', key))
            arrays = {'data_2d': flat.reshape(-1, 28, 2), 'data_3d': pose.reshape(len(flat), 28, 3)}
            views[str(camera)] = {name: np.asarray(array[:, KEPT], np.float32) for name, array in arrays.items()}
    return views


def _read_mat(path: Path) -> dict[str, np.ndarray]:
    """The content of a file, read in a process of its own, which a damaged file can end."""
    try:
        return run_parallel(loadmat, [(path,)], 1)[0]
    except InputError:
        raise InputError(f'{path} ended the process that reads it: it is damaged, or memory is short') from None


def test_sequence(path: Path, key: str) -> dict[str, np.ndarray]:
    """``data_2d``, ``data_3d`` and ``valid`` (n,) of an ``annot_data.mat``."""
    try:
        import h5py
    except ImportError:
        raise InputError('the test part is in HDF5 and needs h5py; pip install h5py') from None
    arrays = {'data_2d': ('annot2', (-1, 17, 2)), 'data_3d': (key, (-1, 17, 3)), 'valid': ('valid_frame', -1)}
    with reading(f'{path} has no annot2, {key} and valid_frame', 'download it again'), h5py.File(path) as file:
        return {name: np.array(file[k]).reshape(shape) for name, (k, shape) in arrays.items()}


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', type=Path, metavar='SRC_DIR', help='folder of the data set')
    parser.add_argument('out', type=Path, metavar='OUT_DIR', help='folder for data_train_3dhp.npz, data_test_3dhp.npz')
    parser.add_argument('--annotated', action='store_true', help='annot3 in place of univ_annot3')
    args = parser.parse_args(argv)
    key = 'annot3' if args.annotated else 'univ_annot3'
    train, test = sorted(args.source.glob('S?/Seq?/annot.mat')), sorted(args.source.rglob('TS?/annot_data.mat'))
    if not train and not test:
        how = 'get them from vcai.mpi-inf.mpg.de/3dhp-dataset'
        raise InputError(f'{args.source} has no S1/Seq1/annot.mat and no TS1/annot_data.mat; {how}')
    names = [' '.join(path.parts[-3:-1]) for path in train]
    sequences = {n: [train_sequence(p, key), 50 if n in FIFTY else 25] for n, p in zip(names, train, strict=True)}
    for part, data in (('train', sequences), ('test', {p.parent.name: test_sequence(p, key) for p in test})):
        if data:
            save_arrays(args.out / f'data_{part}_3dhp.npz', {'data': np.array(data, object)}, compressed=False)
            print(f'{part}: {len(data)} sequences')


if __name__ == '__main__':
    run_program(main)

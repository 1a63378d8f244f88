"""Bodies of SMPL beside detected 2D: MotionBERT's mesh files, and ours in their form without pickles."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from ..registry import DATASETS
from .calibration import h36m_pictures
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, Table, runs
from .smpl_estimates import SUFFIXES, read_smpl_estimates

_SQUARES = {'coco': 640, 'pw3d': 1920}  # side of the square that holds every picture
_HOW = (
    'download mesh_det_h36m.pkl, mesh_det_coco.pkl and mesh_det_pw3d.pkl as docs/mesh.md of '
    'github.com/Walter0807/MotionBERT says, or make a file with tools/dataset_converters/pw3d.py or eft.py '
    '(docs/datasets/mesh.md), and put it into data/mesh, or set data_root'
)

_FILE = Table(
    arrays={
        'joint_2d': ('keypoints', (17, 2), 1),
        'confidence': ('keypoints_visible', (17,), 1),
        'smpl_pose': ('smpl_pose', (72,), 1),
        'smpl_shape': ('smpl_shape', (10,), 1),
        'smpl_weight': ('smpl_weight', (), 1),
    },
    labels=('source', 'camera_name', 'img_hw', 'gender'),
    how=_HOW,
)
_NEED = ('joint_2d', 'source', 'smpl_pose', 'smpl_shape')
_PICTURE = {'h36m': ('camera_name',), 'other': ('img_hw',)}  # labels that give the picture's size


@DATASETS.register_module()
class MeshDataset(SequenceDataset):
    """Detected keypoints, and SMPL's pose and shape in the camera's frame.

    A pickle holds dicts ``train`` and ``test`` with ``joint_2d`` (N, 17, 2) pixels, ``confidence`` (N, 17), ``source``
    (N,), ``smpl_pose`` (N, 72) axis-angle and ``smpl_shape`` (N, 10); an npz the same arrays as ``train_joint_2d`` and
    so on, perhaps ``smpl_weight`` (N,), 0 for frames without a label, and ``gender`` (N,), ``'m'`` or ``'f'``, where
    shapes are those of the gendered models. ``img_shape`` makes a codec normalise the screen as MotionBERT does:
    Human3.6M by the camera's picture; COCO and 3DPW by a square of 640 and 1920 pixels; others by the longer side in
    ``img_hw`` (N, 2). Clips of COCO have one frame: ``window=dict(length=1)``.

    Args:
        ann_file: the file below ``data_root``.
        source: which of these it is: ``'h36m'``, ``'coco'``, ``'pw3d'`` or ``'other'``.
        split: ``'train'``, ``'test'``, or another part that the file has.
        estimates: bodies that another method recovered, for ``MeshRefineHead``, below ``data_root``: a result file with
            a row for each frame of the split, or a folder with one for each video, named after its ``source``; see
            :func:`read_smpl_estimates`. They become ``initial_pose`` and ``initial_shape``.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: the file is missing, damaged or lacks something.
    """

    METAINFO = {'dataset_name': 'mesh', 'skeleton': 'h36m17', 'skeleton_3d': 'h36m17'}

    def __init__(
        self, ann_file: str, source: str, split: str = 'train', estimates: str | None = None, **kwargs: Any
    ) -> None:
        check_choice('MeshDataset: source', source, ('h36m', *_SQUARES, 'other'))
        self.source, self.split = source, split
        self.estimates = estimates and Path(kwargs.get('data_root') or '') / estimates
        super().__init__(ann_file=ann_file, **kwargs)

    def load(self) -> Sequences:
        arrays, labels = _FILE.read(self.ann_file, (*_NEED, *_PICTURE.get(self.source, ())), self.split)
        names = labels['source']
        arrays.setdefault('smpl_weight', np.ones(len(names), np.float32))
        if 'keypoints_visible' in arrays:
            arrays['keypoints_visible'] = arrays['keypoints_visible'].clip(0, 1)
        infos = runs(names)
        if self.estimates:
            arrays |= self._estimates(names, [info['first'] for info in infos])
        fps = {'h36m': {'fps': 50}, 'pw3d': {'fps': 30}}.get(self.source, {})
        for info in infos:
            row = info['first']
            info |= {'sequence': str(names[row]), **fps, **self._picture(labels, row)}
            if 'gender' in labels:
                info['gender'] = str(labels['gender'][row])
        return Sequences(arrays, infos)

    def _estimates(self, names: np.ndarray, first: list[int]) -> dict[str, np.ndarray]:
        """Bodies that another method recovered, one a frame."""
        folder, parts = self.estimates, []
        if not folder.exists():
            raise InputError(f'{folder} does not exist; save the result files of another method in it or set estimates')
        starts = first if folder.is_dir() else [0]
        for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
            files = [folder / f'{names[start]}{suffix}' for suffix in SUFFIXES] if folder.is_dir() else [folder]
            path = next((file for file in files if file.is_file()), None)
            if path is None:
                raise InputError(f'{folder} has no file for the video {names[start]}, expected {files[0].name} or .pkl')
            bodies = read_smpl_estimates(path)
            if bodies.frames is None and len(bodies.poses) != end - start:
                raise InputError(
                    f'{path} has {len(bodies.poses)} bodies without frame_ids, expected {end - start}, one a frame'
                )
            parts.append(bodies.at(np.arange(end - start)))
        return {key: np.concatenate([part[key] for part in parts]) for key in ('initial_pose', 'initial_shape')}

    def _picture(self, labels: dict[str, np.ndarray], row: int) -> dict[str, Any]:
        """Camera and size of the picture of a row."""
        if self.source == 'h36m':
            camera = str(labels['camera_name'][row])
            return {'camera': camera, 'img_shape': h36m_pictures([camera], f'{self.ann_file}: row {row}')[camera]}
        side = _SQUARES.get(self.source) or int(np.max(labels['img_hw'][row]))
        return {'img_shape': (side, side)}

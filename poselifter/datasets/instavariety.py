"""InstaVariety: people in short videos from the internet, 2D by OpenPose."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..utils.arrays import load_array
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, check_rows, runs

_HOW = (
    'make it with tools/dataset_converters/instavariety.py from the tracks of '
    'github.com/akanazawa/human_dynamics (docs/datasets/instavariety.md), or set data_root'
)


@DATASETS.register_module()
class InstaVarietyDataset(SequenceDataset):
    """``motion_all.npy`` (N, 17, 3) and ``id_all.npy`` (N,): tracks end to end, memory-mapped.

    The points are those of MotionBERT's converter: a track is 2 wide, the root of its first frame at 0; spine and head
    top are always missing. A sample shows them in a picture of 1000 pixels, where 2 become 500; that says nothing of
    the true one, so a pipeline must go on with ``CropScale``. Training windows whose first frame lacks the root are
    left out. The frame rate is not known.

    Args:
        ann_file: ``motion_all.npy`` below ``data_root``; ``id_all.npy`` lies beside it.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: a file is missing or does not fit the other.
    """

    METAINFO = {'dataset_name': 'instavariety', 'skeleton': 'h36m17'}

    def __init__(self, ann_file: str = 'motion_all.npy', **kwargs: Any) -> None:
        super().__init__(ann_file=ann_file, **kwargs)

    def load(self) -> Sequences:
        path = Path(self.ann_file)
        motion = load_array(path, memory_map=True, how=_HOW)
        ids = load_array(path.with_name('id_all.npy'), how=_HOW)
        check_rows(path, {'id_all.npy': ids, path.name: motion}, {'id_all.npy': (), path.name: (17, 3)}, _HOW)
        infos = [{'sequence': str(int(ids[run['first']])), **run, 'img_shape': (1000, 1000)} for run in runs(ids)]
        return Sequences({'keypoints': motion}, infos, decode=_split_scores)

    def list_windows(self) -> np.ndarray:
        """Windows of the base class, without those that begin without a root."""
        windows = super().list_windows()
        if not self.test_mode:
            first = np.array([self.get_data_info(i)['first'] for i in range(windows[-1, 0] + 1)])
            rows = first[windows[:, 0]] + windows[:, 1].clip(min=0)
            windows = windows[self.arrays['keypoints'][rows, 0, 2] > 0]
        if not len(windows):
            raise InputError(f'{self.ann_file}: no window begins with a visible root; {_HOW}')
        return windows


def _split_scores(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pixels of a picture of 1000, and scores, the third number of a point."""
    points = rows['keypoints']
    return {'keypoints': points[..., :2] * 250 + 500, 'keypoints_visible': points[..., 2]}

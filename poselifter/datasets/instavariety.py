"""InstaVariety: people in short videos from the internet, 2D found by OpenPose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from .clip_batch import ClipBatch
from .tracks import TrackDataset

_HOW = (
    'make it with tools/dataset_converters/instavariety.py from the tracks of '
    'github.com/akanazawa/human_dynamics (docs/datasets/instavariety.md), or set data_root'
)


@DATASETS.register_module()
class InstaVarietyDataset(TrackDataset):
    """``motion_all.npy`` (N, 17, 3) and ``id_all.npy`` (N,): tracks end to end, memory-mapped.

    The points are those of MotionBERT's converter: a track is 2 wide, the root
    of its first frame at 0; spine and head top are never there. A sample shows
    them in a picture of 1000 pixels, where 2 become 500; that says nothing of
    the true one, so a pipeline must go on with ``CropScale``. Training windows
    whose first frame lacks the root are left out. The frame rate is not known.

    Args:
        ann_file: ``motion_all.npy`` below ``data_root``; ``id_all.npy`` lies beside it.
        **kwargs: see :class:`TrackDataset`.

    Raises:
        InputError: a file is missing or does not fit the other.
    """

    METAINFO = {'dataset_name': 'instavariety', 'skeleton': 'h36m17'}

    def __init__(self, ann_file: str = 'motion_all.npy', **kwargs: Any) -> None:
        super().__init__(ann_file=ann_file, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Maps the points and lists the tracks."""
        path = Path(self.ann_file)
        missing = [file for file in (path, path.with_name('id_all.npy')) if not file.is_file()]
        if missing:
            raise InputError(f'{missing[0]} is not there; {_HOW}')
        try:
            motion, ids = np.load(path, mmap_mode='r'), np.load(path.with_name('id_all.npy'))
        except (OSError, ValueError) as error:
            raise InputError(f'{path} or id_all.npy is no whole npy file ({error}); {_HOW}') from error
        if motion.shape != (len(ids), 17, 3):
            raise InputError(f'{path} has shape {motion.shape}, expected {(len(ids), 17, 3)} as id_all.npy; {_HOW}')
        self.arrays = {'keypoints': motion}
        return [{'sequence': str(int(ids[i['first']])), **i, 'img_shape': (1000, 1000)} for i in self.cut(ids)]

    def full_init(self) -> None:
        """Lists the windows and leaves out those that begin without a root."""
        if self._fully_initialized:
            return
        super().full_init()
        if not self.test_mode:
            first = np.array([self.get_data_info(i)['first'] for i in range(self.windows[-1, 0] + 1)])
            rows = first[self.windows[:, 0]] + self.windows[:, 1].clip(min=0)
            self.windows = self.windows[self.arrays['keypoints'][rows, 0, 2] > 0]
        if not len(self.windows):
            raise InputError(f'{self.ann_file}: no window begins with a visible root; {_HOW}')

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """See the base class; the third number of a point is its score."""
        samples = super().read(infos, frames)
        for part in [samples.arrays] if isinstance(samples, ClipBatch) else samples:
            points = part['keypoints']
            part['keypoints'], part['keypoints_visible'] = points[..., :2] * 250 + 500, points[..., 2]
        return samples

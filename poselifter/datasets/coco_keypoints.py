"""COCO keypoints: single pictures of people, 2D marked by hand."""

import contextlib
import importlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..registry import DATASETS
from ..skeletons import convert_keypoints
from .sequence_dataset import SequenceDataset
from .sequences import Sequences

_FILE = 'annotations/person_keypoints_train2017.json'
_INSTALL = (
    'pip install cython setuptools wheel numpy, then '
    'pip install --no-build-isolation --no-deps --no-binary xtcocotools xtcocotools'
)
_HOW = (
    'expected person_keypoints_train2017.json or the like, with images, annotations and categories; download '
    'annotations_trainval2017.zip from cocodataset.org (docs/datasets/coco.md), unpack it to data/coco or set data_root'
)


def load_coco(path: str | os.PathLike[str], kind: str = 'COCO annotations', how: str = _HOW) -> Any:
    """Opens annotations with ``xtcocotools``, or where that is absent ``pycocotools``.

    Args:
        path: the json.
        kind: expected kind of file, for the message.
        how: where to get it, likewise.

    Returns:
        Their ``COCO``.

    Raises:
        InputError: neither package works, or the file is missing or wrong.
    """
    if not Path(path).is_file():
        raise InputError(f'{path} does not exist; {how}')
    for package in ('xtcocotools', 'pycocotools'):
        # a wheel that was built for numpy 1 fails with a ValueError under numpy 2
        with contextlib.suppress(ImportError, ValueError):
            coco = importlib.import_module(f'{package}.coco').COCO
            break
    else:
        raise InputError(f'{path} is read by xtcocotools, which is absent or was built for another numpy; {_INSTALL}')
    with reading(f'{path} is no file of {kind}', how), contextlib.redirect_stdout(io.StringIO()):
        return coco(str(path))


def read_people(path: str | os.PathLike[str], weights: Sequence[float] = (0, 0.5, 1)) -> dict[str, np.ndarray]:
    """Reads all people with keypoints, crowds left out.

    Args:
        path: the json.
        weights: of visibility 0 (not labelled), 1 (occluded), 2 (visible).

    Returns:
        ``id`` (N,), ``image_id`` (N,), ``size`` (N, 2) height and width, ``keypoints`` (N, 17, 2) pixels of ``coco17``,
        ``keypoints_visible`` (N, 17) weights.

    Raises:
        InputError: see :func:`load_coco`, or an entry is wrong.
    """
    coco = load_coco(path)
    with reading(f'{path} is no file of COCO annotations', _HOW):
        people = [a for a in coco.dataset['annotations'] if a.get('keypoints') and not a.get('iscrowd')]
        people = [a for a in people if any(a['keypoints'][2::3])]
        wrong = [a.get('id') for a in people if len(a['keypoints']) != 51 or a['image_id'] not in coco.imgs]
        if wrong or not people:
            reason = f'annotation {wrong[0]} has not 51 numbers or no image' if wrong else 'nobody has keypoints'
            raise InputError(f'{path}: {reason}, expected x, y, visibility of 17 joints; {_HOW}')
        table = np.array([a['keypoints'] for a in people], np.float32).reshape(-1, 17, 3)
        ids = {key: np.array([a[key] for a in people], np.int64) for key in ('id', 'image_id')}
        images = [coco.imgs[a['image_id']] for a in people]
        size = np.array([(image['height'], image['width']) for image in images], np.int64)
    if not np.isin(table[..., 2], (0, 1, 2)).all():
        span = f'{table[..., 2].min()} to {table[..., 2].max()}'
        raise InputError(f'{path}: visibility goes from {span}, expected 0, 1, 2')
    visible = np.asarray(weights, np.float32)[table[..., 2].astype(int)]
    return {**ids, 'size': size, 'keypoints': table[..., :2], 'keypoints_visible': visible}


@DATASETS.register_module()
class COCOKeypointsDataset(SequenceDataset):
    """Each person a clip of one frame: ``window=dict(length=1)``.

    Args:
        ann_file: the json below ``data_root``.
        weights: values of visibility 0, 1 and 2 in ``keypoints_visible``.
        min_keypoints: fewest joints of weight above 0 that a person has, after
            conversion, which loses those with a missing part.
        **kwargs: see :class:`SequenceDataset`; ``metainfo=dict(skeleton=...)``
            is the joint set of the samples (``h36m17``).

    Raises:
        InputError: the file is missing or wrong, or the package that reads it is absent.
    """

    METAINFO = {'dataset_name': 'coco', 'skeleton': 'h36m17'}

    def __init__(
        self, ann_file: str = _FILE, weights: Sequence[float] = (0, 0.5, 1), min_keypoints: int = 1, **kwargs: Any
    ) -> None:
        self.weights, self.min_keypoints = weights, min_keypoints
        super().__init__(ann_file=ann_file, **kwargs)

    def load(self) -> Sequences:
        people = read_people(self.ann_file, self.weights)
        xy, weights = people['keypoints'], people['keypoints_visible']
        points, scores = convert_keypoints(xy, 'coco17', self.metainfo['skeleton'], weights)
        kept = np.flatnonzero((scores > 0).sum(1) >= self.min_keypoints).tolist()
        if not kept:
            raise InputError(f'{self.ann_file}: nobody has {self.min_keypoints} keypoints; set min_keypoints lower')
        names, sizes = people['id'].tolist(), people['size'].tolist()
        infos = [{'sequence': str(names[i]), 'first': i, 'length': 1, 'img_shape': tuple(sizes[i])} for i in kept]
        arrays = {'keypoints': np.where(scores[..., None] > 0, points, 0), 'keypoints_visible': scores}
        return Sequences(arrays, infos)

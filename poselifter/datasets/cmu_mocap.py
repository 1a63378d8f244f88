"""A part of the CMU motion capture database in the layout of ``tools/dataset_converters/cmu_mocap.py``."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError, check_names, reading
from ..registry import DATASETS
from ..utils.arrays import load_arrays
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, check_rows, choose_classes, world_keypoints

ACTIONS = (
    'walk', 'dance', 'salsa', 'climb', 'run', 'basketball', 'jump', 'acrobatics', 'martial_arts', 'sit',
    'drink', 'laugh', 'soccer', 'exercise', 'reach', 'balance', 'wash', 'other',
)  # fmt: skip
_FRAMES = {'poses': (17, 3), 'root': (3,)}
_CLIPS = dict.fromkeys(('clip_start', 'clip_len', 'clip_id', 'subject', 'action', 'description'), ())
_HOW = (
    'make it from the database (mocap.cs.cmu.edu) with tools/dataset_converters/cmu_mocap.py, '
    'or set data_root (environment POSELIFTER_DATA) to the folder that holds cmu/'
)


@DATASETS.register_module()
class CMUMocapDataset(SequenceDataset):
    """CMU motion capture, 17 joints (``cmu17``), 30 fps.

    The data used in this project was obtained from mocap.cs.cmu.edu. The
    database was created with funding from NSF EIA-0196217.

    Args:
        ann_file: ``cmu_train.npz``, ``cmu_val.npz``, ``cmu_test.npz`` or ``tiny.npz`` below ``data_root``;
            ``index.json`` beside it, where it exists, gives each clip's ``source_format``.
        actions: only clips of these classes; ``None`` takes all of ``classes``.
        classes: those that ``action`` numbers, in this order, as the model was trained; ``None``: ``actions``, or all
            of ``ACTIONS``.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: the file is missing, truncated, or lacks an array, or an action is unknown.
    """

    METAINFO = {'dataset_name': 'cmu', 'skeleton_3d': 'cmu17', 'actions': ACTIONS}

    def __init__(
        self, actions: Sequence[str] | None = None, classes: Sequence[str] | None = None, **kwargs: Any
    ) -> None:
        self.actions, self.classes = choose_classes('CMUMocapDataset: actions', actions, classes, ACTIONS)
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        path = self.ann_file
        arrays = load_arrays(path, [*_FRAMES, *_CLIPS, 'fps', 'unit_m'], names=(), how=_HOW)
        n_frames = check_rows(path, arrays, _FRAMES, _HOW)
        check_rows(path, arrays, _CLIPS, _HOW)
        end = (arrays['clip_start'] + arrays['clip_len']).max(initial=0)
        if end > n_frames:
            raise InputError(f'{path}: clips reach to frame {end} of {n_frames}; {_HOW}')
        check_names(f'{path}: actions', sorted(set(arrays['action'].tolist())), ACTIONS)
        texts = sorted(set(arrays['description'].tolist()) - {''})
        index = Path(path).with_name('index.json')
        with reading(f'{index} is no index of the converter', _HOW):
            clips = json.loads(index.read_text())['clips'] if index.is_file() else []
            formats = {clip['id']: clip['source_format'] for clip in clips}
        infos, fps = [], float(arrays['fps'])
        for first, length, *labels in zip(*(arrays[key].tolist() for key in _CLIPS), strict=True):
            clip, subject, action, text = map(str, labels)
            if action in self.actions:
                info = {'sequence': clip, 'first': first, 'length': length, 'fps': fps, 'subject': subject}
                info |= {'action': self.classes.index(action), 'action_name': action}
                info['captions'] = [texts.index(text)] if text else []
                infos.append({**info, 'source_format': formats.get(clip, 'unknown')})
        decode = partial(world_keypoints, unit_m=float(arrays['unit_m']))
        frames = {key: arrays[key] for key in _FRAMES}
        return Sequences(frames, infos, {'actions': self.classes, 'texts': texts}, decode)

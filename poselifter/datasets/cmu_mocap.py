"""A part of the CMU motion capture database in the layout of ``tools/dataset_converters/cmu_mocap.py``."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

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
# the only clips from 3ds Max among those that are used: joint 8 is the neck, 9 cm above the thorax of cmu17
_THORAX, _UNKNOWN_THORAX = 8, ('131_01', '131_02', '131_03')
_HOW = (
    'make it from the database (mocap.cs.cmu.edu) with tools/dataset_converters/cmu_mocap.py, '
    'or set data_root (environment POSELIFTER_DATA) to the folder that holds cmu/'
)


@DATASETS.register_module()
class CMUMocapDataset(SequenceDataset):
    """CMU motion capture, 17 joints (``cmu17``), 30 fps.

    In three clips of subject 131 joint 8 is not where ``cmu17`` has it; it is no label there
    (``lifting_target_visible`` 0).

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
    known_actions = ACTIONS
    how = _HOW

    def __init__(
        self, actions: Sequence[str] | None = None, classes: Sequence[str] | None = None, **kwargs: Any
    ) -> None:
        self.actions, self.classes = choose_classes(
            f'{type(self).__name__}: actions', actions, classes, self.known_actions
        )
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        path = self.ann_file
        arrays = load_arrays(path, [*_FRAMES, *_CLIPS, 'fps', 'unit_m'], names=(), how=self.how)
        n_frames = check_rows(path, arrays, _FRAMES, self.how)
        check_rows(path, arrays, _CLIPS, self.how)
        end = (arrays['clip_start'] + arrays['clip_len']).max(initial=0)
        if end > n_frames:
            raise InputError(f'{path}: clips reach to frame {end} of {n_frames}; {self.how}')
        check_names(f'{path}: actions', sorted(set(arrays['action'].tolist())), self.known_actions)
        texts = sorted(set(arrays['description'].tolist()) - {''})
        index = Path(path).with_name('index.json')
        with reading(f'{index} is no index of the converter', self.how):
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
        decode = partial(_decode, unit_m=float(arrays['unit_m']))
        frames = {key: arrays[key] for key in _FRAMES}
        unknown = [info for info in infos if info['sequence'] in _UNKNOWN_THORAX]
        if unknown:
            frames['lifting_target_visible'] = np.ones((n_frames, 17), np.float32)
        for info in unknown:
            frames['lifting_target_visible'][info['first'] : info['first'] + info['length'], _THORAX] = 0
        return Sequences(frames, infos, {'actions': self.classes, 'texts': texts}, decode)


def _decode(rows: dict[str, np.ndarray], unit_m: float) -> dict[str, np.ndarray]:
    """The joints in the world, and which of them are known where not all are."""
    visible = {key: rows[key] for key in ('lifting_target_visible',) if key in rows}
    return {**world_keypoints(rows, unit_m), **visible}


@DATASETS.register_module()
class HDM05Dataset(CMUMocapDataset):
    """A part of HDM05 in the layout and joints of :class:`CMUMocapDataset`: motion of another laboratory, for tests.

    Its licence is CC BY-SA 3.0; weights that are published are not trained on it.

    The data used in this project was obtained from HDM05 (M. Müller, T. Röder, M. Clausen, B. Eberhardt, B. Krüger, A.
    Weber: Documentation Mocap Database HDM05, technical report CG-2007-2, Universität Bonn, 2007).

    Args:
        **kwargs: see :class:`CMUMocapDataset`; ``ann_file`` is ``hdm05.npz``.
    """

    known_actions = (
        'deposit_floor', 'elbow_to_knee', 'grab_high', 'hop', 'jog', 'kick', 'lie_down', 'rotate_arms', 'sneak',
        'squat', 'throw_basketball',
    )  # fmt: skip
    METAINFO = {'dataset_name': 'hdm05', 'skeleton_3d': 'cmu17', 'actions': known_actions}
    how = 'make it from the clips of HDM05 (resources.mpi-inf.mpg.de/HDM05) in the layout of cmu_*.npz'

"""A part of the CMU motion capture database in the layout of ``tools/dataset_converters/cmu_mocap.py``."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from .mocap_dataset import MocapDataset

ACTIONS = (
    'walk', 'dance', 'salsa', 'climb', 'run', 'basketball', 'jump', 'acrobatics', 'martial_arts', 'sit',
    'drink', 'laugh', 'soccer', 'exercise', 'reach', 'balance', 'wash', 'other',
)  # fmt: skip
_ARRAYS = ('poses', 'root', 'clip_start', 'clip_len', 'clip_id', 'subject', 'action', 'description', 'fps', 'unit_m')
_HOW = (
    'make it from the database (mocap.cs.cmu.edu) with tools/dataset_converters/cmu_mocap.py, '
    'or set data_root (environment POSELIFTER_DATA) to the folder that holds cmu/'
)


@DATASETS.register_module()
class CMUMocapDataset(MocapDataset):
    """CMU motion capture, 17 joints (``cmu17``), 30 fps.

    The data used in this project was obtained from mocap.cs.cmu.edu. The
    database was created with funding from NSF EIA-0196217.

    Args:
        ann_file: ``cmu_train.npz``, ``cmu_val.npz``, ``cmu_test.npz`` or
            ``tiny.npz`` below ``data_root``; ``index.json`` beside it, where it
            is there, tells each clip's ``source_format``.
        actions: only clips of these classes, numbered in this order; ``None``
            takes all of ``ACTIONS``.
        **kwargs: see :class:`BaseMotionDataset`.

    Raises:
        InputError: the file is missing, truncated, or lacks an array, or an action is unknown.
    """

    METAINFO = {'dataset_name': 'cmu', 'skeleton': 'cmu17', 'actions': ACTIONS}

    def __init__(self, actions: Sequence[str] | None = None, **kwargs: Any) -> None:
        self.actions = tuple(ACTIONS if actions is None else actions)
        unknown = set(self.actions) - set(ACTIONS)
        if unknown or not self.actions:
            raise InputError(f'CMUMocapDataset: actions {sorted(unknown) or "()"}, expected some of {ACTIONS}')
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads the arrays and lists the clips."""
        self._metainfo['actions'] = self.actions
        arrays = self._load(Path(self.ann_file))
        self.poses, self.root = arrays['poses'], arrays['root']
        self.unit_m, self.fps = float(arrays['unit_m']), float(arrays['fps'])
        texts = sorted(set(arrays['description'].tolist()) - {''})
        self._metainfo['texts'] = texts
        text_ids = {text: i for i, text in enumerate(texts)}
        formats = self._source_formats(Path(self.ann_file).with_name('index.json'))
        return [
            {
                'sequence': str(clip),
                'first': int(arrays['clip_start'][k]),
                'length': int(arrays['clip_len'][k]),
                'subject': str(arrays['subject'][k]),
                'action': self.actions.index(str(arrays['action'][k])),
                'action_name': str(arrays['action'][k]),
                'captions': [text_ids[t] for t in [str(arrays['description'][k])] if t],
                'source_format': formats.get(str(clip), 'unknown'),
            }
            for k, clip in enumerate(arrays['clip_id'])
            if arrays['action'][k] in self.actions
        ]

    @staticmethod
    def _load(path: Path) -> dict[str, np.ndarray]:
        if not path.is_file():
            raise InputError(f'{path} is not there; {_HOW}')
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in _ARRAYS if name in file}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f'{path} is no complete npz file ({error}); {_HOW}') from error
        missing = [name for name in _ARRAYS if name not in arrays]
        if missing:
            raise InputError(f'{path} lacks the arrays {missing}; {_HOW}')
        if arrays['poses'].ndim != 3 or arrays['poses'].shape[1:] != (17, 3):
            raise InputError(f'{path}: poses have shape {arrays["poses"].shape}, expected (N, 17, 3); {_HOW}')
        ends = arrays['clip_start'] + arrays['clip_len']
        if len(ends) and ends.max() > len(arrays['poses']):
            raise InputError(f'{path}: clips reach to frame {ends.max()} of {len(arrays["poses"])}; {_HOW}')
        unknown = set(arrays['action'].tolist()) - set(ACTIONS)
        if unknown:
            raise InputError(f'{path}: unknown actions {sorted(unknown)}, expected some of {ACTIONS}')
        return arrays

    @staticmethod
    def _source_formats(path: Path) -> dict[str, str]:
        if not path.is_file():
            return {}
        return {clip['id']: clip['source_format'] for clip in json.loads(path.read_text())['clips']}

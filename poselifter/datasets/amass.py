"""AMASS, and BABEL's labels on it, in the layout of ``tools/dataset_converters/amass.py``."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from .mocap_dataset import MocapDataset

# official split by subset; names of both generations of the archives, others train
SPLITS = {
    'val': ('HumanEva', 'MPI_HDM05', 'HDM05', 'SFU', 'MPI_mosh', 'MoSh'),
    'test': ('Transitions_mocap', 'Transitions', 'SSM_synced', 'SSM'),
}
# folders that BABEL's feat_p names, and what newer archives call them
RENAMED = {
    'BioMotionLab_NTroje': 'BMLrub', 'MPI_HDM05': 'HDM05', 'DFaust_67': 'DFaust', 'Transitions_mocap': 'Transitions',
    'MPI_mosh': 'MoSh', 'TCD_handMocap': 'TCDHands', 'MPI_Limits': 'PosePrior', 'SSM_synced': 'SSM',
}  # fmt: skip
_HOW = (
    'make it with tools/dataset_converters/amass.py from the archives of amass.is.tue.mpg.de (docs/datasets/amass.md)'
)
_BABEL = 'get babel_v1.0_release from babel.is.tue.mpg.de/data.html'


class _Rows:
    """Several memory-mapped arrays as if laid end to end; only the rows asked for are read."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays, self.starts = list(arrays), np.cumsum([0, *(len(a) for a in arrays)])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.arrays[0].shape[1:]), self.arrays[0].dtype)
        part = np.searchsorted(self.starts, rows, side='right') - 1
        for i in np.unique(part):
            own = part == i
            out[own] = self.arrays[i][rows[own] - self.starts[i]]
        return out


@DATASETS.register_module()
class AMASSDataset(MocapDataset):
    """AMASS as 17 joints of Human3.6M (``h36m17``), world frame.

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``: the official subsets of it; or ``'all'``.
        subsets: these subsets instead.
        data_root: folder of the converted subsets.
        **kwargs: see :class:`BaseMotionDataset`.

    Raises:
        InputError: a subset is missing or damaged.
    """

    METAINFO = {'dataset_name': 'amass', 'skeleton': 'h36m17', 'actions': ('other',)}

    def __init__(
        self, split: str = 'train', subsets: Sequence[str] | None = None, data_root: str = '', **kwargs: Any
    ) -> None:
        if split not in ('train', 'val', 'test', 'all'):
            raise InputError(f"{type(self).__name__}: split is {split!r}, expected 'train', 'val', 'test' or 'all'")
        self.split, self.subsets = split, subsets
        super().__init__(data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Maps the arrays and lists the recordings."""
        root = Path(self.data_root)
        there = sorted(path.parent.name for path in root.glob('*/index.json'))
        held = {name for names in SPLITS.values() for name in names}
        own = {'all': set(there), 'train': set(there) - held, **SPLITS}[self.split]
        subsets = list(self.subsets) if self.subsets is not None else [name for name in there if name in own]
        if not subsets or not set(subsets) <= set(there):
            raise InputError(f'{root} lacks {sorted(set(subsets) - set(there)) or f"the {self.split} subsets"}; {_HOW}')
        indices = [self._index(root / name) for name in subsets]
        self.poses, self.root = (
            _Rows([np.load(root / name / f'{kind}.npy', mmap_mode='r') for name in subsets])
            for kind in ('poses', 'root')
        )
        rates, units = ({index[key] for index in indices} for key in ('fps', 'unit_m'))
        if len(rates) > 1 or len(units) > 1:
            raise InputError(f'{root}: the subsets have {sorted(rates)} frames a second; convert all of them alike')
        self.fps, self.unit_m = rates.pop(), units.pop()
        infos, first = [], 0
        for subset, index in zip(subsets, indices, strict=True):
            for record in index['sequences']:
                infos.append(self._info(subset, record, first))
                first += record['length']
        if first != self.poses.starts[-1]:
            raise InputError(
                f'{root}: the arrays have {self.poses.starts[-1]} frames, the indices {first}; {_HOW} again'
            )
        return self.label(infos)

    def label(self, infos: list[dict]) -> list[dict]:
        """What becomes of the recordings; here nothing."""
        self._metainfo['texts'] = []
        return infos

    @staticmethod
    def _info(subset: str, record: dict, first: int) -> dict:
        return {
            'sequence': record['sequence'],
            'first': first,
            'length': record['length'],
            'subject': '/'.join(record['sequence'].split('/')[:-1]),
            'action': -1,
            'action_name': '',
            'captions': [],
            'source_format': subset,
        }

    @staticmethod
    def _index(folder: Path) -> dict:
        try:
            return json.loads((folder / 'index.json').read_text())
        except ValueError as error:
            raise InputError(f'{folder}/index.json is damaged ({error}); {_HOW} again') from error


def read_babel(path: str | Path) -> dict[str, dict[str, Any]]:
    """Reads one of BABEL's files, of either form.

    Args:
        path: ``train.json``, ``val.json``, ``test.json``, ``extra_*.json``.

    Returns:
        By BABEL's id: ``feat_p``, ``dur``, ``segments`` (label, raw label,
        start, end in seconds, by time; the end within the recording) and
        ``labels`` (label, raw label) of the whole; one entry for each category
        of a label, with its processed text where it has none. Labels that are
        withheld (``test.json``) are absent.

    Raises:
        InputError: the file is missing, or none of BABEL's.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'{path} is not there; {_BABEL}')
    try:
        return {sid: _annotation(entry) for sid, entry in json.loads(path.read_text()).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f'{path} is no file of BABEL ({type(error).__name__}: {error}); {_BABEL}') from error


def _annotation(entry: dict) -> dict[str, Any]:
    def labels(kind: str) -> list[dict]:
        sets = entry.get(f'{kind}s') or [entry.get(kind)]
        return [label for found in sets if found for label in found['labels'] if label.get('raw_label')]

    def names(label: dict) -> list[str]:
        return label['act_cat'] or [label['proc_label']]

    duration = float(entry['dur'])
    segments = [
        (name, label['raw_label'], float(label['start_t']), min(float(label['end_t']), duration))
        for label in labels('frame_ann')
        for name in names(label)
    ]
    return {
        'feat_p': entry['feat_p'],
        'dur': duration,
        'segments': sorted(segments, key=lambda s: s[2:]),
        'labels': [(name, label['raw_label']) for label in labels('seq_ann') for name in names(label)],
    }


@DATASETS.register_module()
class BABELDataset(AMASSDataset):
    """Labelled stretches of AMASS: every frame-level label of BABEL with its motion.

    ``captions`` are all labels that hold during a stretch. A stretch called
    transition is taken together with the labels before and after it, and
    reads "transit from A to B" (ActionPose, section 3); without both it is left
    out. A recording without frame-level labels is one stretch.

    Args:
        ann_file: one of BABEL's files.
        text: ``'raw'`` (as written) or ``'category'``.
        classes: names of the categories that become ``action``, in order
            (BABEL's ``action_label_2_idx.json``); others have action -1.
        split: of AMASS; BABEL's own parts go across its subsets.
        **kwargs: see :class:`AMASSDataset`.

    Raises:
        InputError: a file is missing or damaged, or no label has its recording.
    """

    def __init__(self, text: str = 'raw', classes: Sequence[str] = (), split: str = 'all', **kwargs: Any) -> None:
        if text not in ('raw', 'category'):
            raise InputError(f"BABELDataset: text is {text!r}, expected 'raw' or 'category'")
        self.text, self.classes = text, tuple(classes)
        super().__init__(split, **kwargs)

    def label(self, infos: list[dict]) -> list[dict]:
        """Cuts the recordings at their labels."""
        recordings = {_key(info['sequence']): info for info in infos}
        annotations = read_babel(self.ann_file)
        found = {sid: recordings.get(_key(entry['feat_p'])) for sid, entry in annotations.items()}
        absent = [annotations[sid]['feat_p'] for sid, info in found.items() if info is None]
        stretches = [s for sid, info in found.items() if info for s in self._stretches(annotations[sid], info)]
        if not stretches:
            raise InputError(
                f'{self.ann_file}: none of {len(annotations)} labelled recordings is in {self.data_root}, such as '
                f'{absent[:3]}; {_HOW}'
            )
        self._metainfo['resolved'] = (len(annotations) - len(absent), len(annotations), absent[:10])
        texts = sorted({text for stretch in stretches for text in stretch['captions']})
        self._metainfo['texts'] = texts
        ids = {text: i for i, text in enumerate(texts)}
        return [{**stretch, 'captions': [ids[text] for text in stretch['captions']]} for stretch in stretches]

    def _stretches(self, entry: dict, info: dict) -> list[dict]:
        segments = entry['segments'] or [(*label, 0.0, entry['dur']) for label in entry['labels']]
        stretches = {}
        for name, raw, start, end in segments:
            text = (raw if self.text == 'raw' else name).strip().lower()
            if name == 'transition':
                text, start, end = _transition(segments, start, end, self.text)
            first = round(start * self.fps)
            last = min(round(end * self.fps), info['length'])
            if text and last > first:
                stretch = stretches.setdefault((first, last), {'names': [], 'own': {}})
                stretch['names'].append(name)
                stretch['own'][text] = name != 'transition'
        for (first, last), stretch in stretches.items():
            # another label that holds all the while is true of it as well
            around = [more['own'] for (a, b), more in stretches.items() if a <= first and last <= b]
            held = [text for own in around for text, lasts in own.items() if lasts]
            stretch['captions'] = list(dict.fromkeys([*stretch['own'], *held]))
        return [
            {
                **info,
                'sequence': f'{info["sequence"]}:{first}-{last}',
                'first': info['first'] + first,
                'length': last - first,
                'captions': stretch['captions'],
                'action_name': stretch['names'][0],
                'action': self.classes.index(stretch['names'][0]) if stretch['names'][0] in self.classes else -1,
            }
            for (first, last), stretch in sorted(stretches.items())
        ]


def _transition(segments: list[tuple], start: float, end: float, text: str) -> tuple[str, float, float]:
    """Text and limits of a transition with what is before and after it; no text without both."""
    others = [s for s in segments if s[0] != 'transition']
    before = [s for s in others if s[3] <= start + 0.1]
    after = [s for s in others if s[2] >= end - 0.1]
    if not before or not after:
        return '', start, end
    a, b = max(before, key=lambda s: s[3]), min(after, key=lambda s: s[2])
    names = [(s[1] if text == 'raw' else s[0]).strip().lower() for s in (a, b)]
    return f'transit from {names[0]} to {names[1]}', a[2], b[3]


def _key(path: str) -> tuple[str, ...]:
    """A recording's name as both generations of archives and BABEL write it."""
    parts = list(Path(path).parts)[-3:]
    parts[0] = RENAMED.get(parts[0], parts[0])
    parts[-1] = re.sub(r'_(poses|stageii)\.npz$', '', parts[-1])
    return tuple(part.replace(' ', '_') for part in parts)

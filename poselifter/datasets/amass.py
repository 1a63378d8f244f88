"""AMASS, and BABEL's labels on it, in the layout of ``tools/dataset_converters/amass.py``."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_choice, reading
from ..registry import DATASETS
from ..utils.arrays import load_array
from .sequence_dataset import SequenceDataset
from .sequences import Joined, Sequences, check_rows, world_keypoints

# AMASS's split by subset; names of both generations of the archives, others train
SPLITS = {
    'val': ('HumanEva', 'MPI_HDM05', 'HDM05', 'SFU', 'MPI_mosh', 'MoSh'),
    'test': ('Transitions_mocap', 'Transitions', 'SSM_synced', 'SSM'),
}
# folders that BABEL's feat_p names, and their names in newer archives
RENAMED = {
    'BioMotionLab_NTroje': 'BMLrub', 'MPI_HDM05': 'HDM05', 'DFaust_67': 'DFaust', 'Transitions_mocap': 'Transitions',
    'MPI_mosh': 'MoSh', 'TCD_handMocap': 'TCDHands', 'MPI_Limits': 'PosePrior', 'SSM_synced': 'SSM',
}  # fmt: skip
_HOW = 'make it with tools/dataset_converters/amass.py from archives of amass.is.tue.mpg.de (docs/datasets/amass.md)'
_SHAPES = {'poses': (17, 3), 'root': (3,)}
_BABEL = 'get babel_v1.0_release from babel.is.tue.mpg.de/data.html'


@DATASETS.register_module()
class AMASSDataset(SequenceDataset):
    """AMASS as 17 joints of Human3.6M (``h36m17``), world frame.

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``: its published subsets; or ``'all'``, of which ``filter_cfg`` keeps
            those whose ``source_format`` it names.
        data_root: folder of the converted subsets.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: a subset is missing or damaged.
    """

    METAINFO = {'dataset_name': 'amass', 'skeleton_3d': 'h36m17', 'actions': ('other',)}

    def __init__(self, split: str = 'train', data_root: str = '', **kwargs: Any) -> None:
        check_choice(f'{type(self).__name__}: split', split, ('train', 'val', 'test', 'all'))
        self.split = split
        super().__init__(data_root=data_root, **kwargs)

    def load(self) -> Sequences:
        root, mapped, infos, scales, first = Path(self.data_root), [], [], set(), 0
        present = sorted(path.parent.name for path in root.glob('*/index.json'))
        held = {name for names in SPLITS.values() for name in names}
        split = {'all': set(present), 'train': set(present) - held, **SPLITS}[self.split]
        subsets = [name for name in present if name in split]
        if not subsets:
            raise InputError(f'{root} lacks the {self.split} subsets; {_HOW}')
        for subset in subsets:
            arrays, scale, lengths = _read_subset(root / subset)
            mapped.append(arrays)
            scales.add(scale)
            for name, length in lengths.items():
                info = {'sequence': name, 'first': first, 'length': length, 'fps': scale[0]}
                info |= {'subject': name.rpartition('/')[0], 'source_format': subset}
                infos.append({**info, 'action': -1, 'action_name': '', 'captions': []})
                first += length
        if len(scales) > 1:
            rates = sorted(rate for rate, _ in scales)
            raise InputError(f'{root}: the subsets have {rates} frames a second; convert all of them alike')
        arrays = {key: Joined([part[key] for part in mapped]) for key in _SHAPES}
        if first != len(arrays['poses']):
            raise InputError(f'{root}: arrays have {len(arrays["poses"])} frames, the indices {first}; {_HOW} again')
        return Sequences(arrays, infos, {'texts': []}, partial(world_keypoints, unit_m=scales.pop()[1]))


def _read_subset(folder: Path) -> tuple[dict[str, np.ndarray], tuple[float, float], dict[str, int]]:
    """The arrays of a converted subset, memory-mapped, frames a second and unit, and frames by recording."""
    arrays = {key: load_array(folder / f'{key}.npy', memory_map=True, how=_HOW) for key in _SHAPES}
    check_rows(folder, arrays, _SHAPES, _HOW)
    with reading(f'{folder}/index.json is damaged', f'{_HOW} again'):
        index = json.loads((folder / 'index.json').read_text())
        lengths = {str(record['sequence']): int(record['length']) for record in index['sequences']}
        return arrays, (float(index['fps']), float(index['unit_m'])), lengths


def read_babel(path: str | Path, text: str = 'raw_label') -> dict[str, dict[str, Any]]:
    """Reads one of BABEL's files, of either form.

    Args:
        path: ``train.json``, ``val.json``, ``test.json``, ``extra_*.json``.
        text: ``'raw_label'`` or ``'proc_label'``, the words of a label.

    Returns:
        By BABEL's id: ``feat_p``, ``dur``, ``segments`` (label, words, start, end in seconds, by time; the end
        within the recording) and ``labels`` (label, words) of the whole; one entry for each category of a label,
        with its processed text where it has none. Labels that are withheld (``test.json``) are absent.

    Raises:
        InputError: the file is missing, or none of BABEL's.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'{path} does not exist; {_BABEL}')
    with reading(f'{path} is no file of BABEL', _BABEL):
        return {sid: _annotation(entry, text) for sid, entry in json.loads(path.read_text()).items()}


def _annotation(entry: dict, text: str) -> dict[str, Any]:
    def labels(kind: str) -> list[tuple[str, dict]]:
        sets = entry.get(f'{kind}s') or [entry.get(kind)]
        given = [label for entries in sets if entries for label in entries['labels'] if label.get('raw_label')]
        return [(name, label) for label in given for name in label['act_cat'] or [label['proc_label']]]

    duration, segments = float(entry['dur']), []
    for name, label in labels('frame_ann'):
        segments.append((name, label[text], float(label['start_t']), min(float(label['end_t']), duration)))
    segments.sort(key=lambda s: s[2:])
    whole = [(name, label[text]) for name, label in labels('seq_ann')]
    return {'feat_p': entry['feat_p'], 'dur': duration, 'segments': segments, 'labels': whole}


@DATASETS.register_module()
class BABELDataset(AMASSDataset):
    """Labelled segments of AMASS: every frame-level label of BABEL with its motion.

    ``captions`` are all labels that hold during a segment. A segment called transition is taken together with the
    labels before and after it, and reads "transit from A to B" (ActionPose, pretraining); without both it is left out.
    ``focus`` are its own frames, which ``RandomWindow`` keeps. A recording without frame-level labels is one segment.

    Args:
        ann_file: one of BABEL's files.
        text: ``'raw'`` (as written), ``'processed'`` (BABEL's cleaned words of it) or ``'category'``.
        classes: names of the categories that become ``action``, in order
            (BABEL's ``action_label_2_idx.json``); others have action -1.
        split: of AMASS; BABEL's parts go across its subsets.
        **kwargs: see :class:`AMASSDataset`.

    Raises:
        InputError: a file is missing or damaged, or no label has its recording.
    """

    def __init__(self, text: str = 'raw', classes: Sequence[str] = (), split: str = 'all', **kwargs: Any) -> None:
        check_choice('BABELDataset: text', text, ('raw', 'processed', 'category'))
        self.text, self.classes = text, tuple(classes)
        super().__init__(split, **kwargs)

    def load(self) -> Sequences:
        """Cuts the recordings at their labels."""
        whole = super().load()
        recordings = {_key(info['sequence']): info for info in whole.infos}
        annotations = read_babel(self.ann_file, 'proc_label' if self.text == 'processed' else 'raw_label')
        labelled = [(entry, recordings.get(_key(entry['feat_p']))) for entry in annotations.values()]
        segments = [segment for entry, info in labelled if info for segment in self._segments(entry, info)]
        if not segments:
            absent = [entry['feat_p'] for entry, info in labelled if info is None]
            raise InputError(
                f'{self.ann_file}: none of {len(annotations)} labelled recordings is in {self.data_root}, such as '
                f'{absent[:3]}; {_HOW}'
            )
        counts = Counter(text for segment in segments for text in segment['captions'])
        texts = sorted(counts)
        ids = {text: i for i, text in enumerate(texts)}
        for segment in segments:
            segment['captions'] = [ids[text] for text in segment['captions']]
        metainfo = {'texts': texts, 'text_counts': [counts[text] for text in texts]}
        return replace(whole, infos=segments, metainfo=metainfo)

    def _segments(self, entry: dict, info: dict) -> list[dict]:
        labels = entry['segments'] or [(*label, 0.0, entry['dur']) for label in entry['labels']]
        names: dict[tuple[int, int], str] = {}  # of the first label, by first and last frame
        focus: dict[tuple[int, int], tuple[int, int]] = {}  # frames of that label itself
        texts: dict[tuple[int, int], dict[str, bool]] = {}  # and whether a text is true of every part of its segment
        for name, raw, start, end in labels:
            text, moment = (name if self.text == 'category' else raw).strip().lower(), (start, end)
            if name == 'transition':
                text, start, end = _transition(labels, start, end, self.text)
            limits = round(start * info['fps']), min(round(end * info['fps']), info['length'])
            if text and limits[1] > limits[0]:
                focus.setdefault(limits, tuple(round(t * info['fps']) - limits[0] for t in moment))
                names.setdefault(limits, name)
                texts.setdefault(limits, {})[text] = name != 'transition'
        segments = []
        for first, last in sorted(texts):
            around = [more for (a, b), more in texts.items() if a <= first and last <= b]
            lasting = [text for more in around for text, lasts in more.items() if lasts]
            name, captions = names[first, last], list(dict.fromkeys([*texts[first, last], *lasting]))
            place = {'sequence': f'{info["sequence"]}:{first}-{last}', 'first': info['first'] + first}
            place['focus'] = focus[first, last]
            action = self.classes.index(name) if name in self.classes else -1
            label = {'captions': captions, 'action_name': name, 'action': action}
            segments.append({**info, **place, 'length': last - first, **label})
        return segments


def _transition(segments: list[tuple], start: float, end: float, text: str) -> tuple[str, float, float]:
    """Text and limits of a transition with the segments before and after it; no text without both."""
    others = [s for s in segments if s[0] != 'transition']
    before = [s for s in others if s[3] <= start + 0.1]
    after = [s for s in others if s[2] >= end - 0.1]
    if not before or not after:
        return '', start, end
    a, b = max(before, key=lambda s: s[3]), min(after, key=lambda s: s[2])
    names = [(s[0] if text == 'category' else s[1]).strip().lower() for s in (a, b)]
    return f'transit from {names[0]} to {names[1]}', a[2], b[3]


def _key(path: str) -> tuple[str, ...]:
    """A recording's name as both generations of archives and BABEL write it."""
    parts = list(Path(path).parts)[-3:]
    parts[0] = RENAMED.get(parts[0], parts[0])
    parts[-1] = re.sub(r'_(poses|stageii)\.npz$', '', parts[-1])
    return tuple(part.replace(' ', '_') for part in parts)

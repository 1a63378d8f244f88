"""NTU RGB+D 60 and 120: metadata in clip names, and the splits."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, reading
from ..registry import DATASETS
from .skeleton_action import SkeletonActionDataset

TRAIN_PERFORMERS = frozenset(
    [1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38]  # all that NTU RGB+D 60 has
    + [45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94]
    + [95, 97, 98, 100, 103]
)
TWO_PERSON_ACTIONS = frozenset([*range(50, 61), *range(106, 121)])


class ClipName(NamedTuple):
    """The numbers in ``SsssCcccPpppRrrrAaaa``; the class of an action is one less than its number."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int


def parse_name(name: str) -> ClipName:
    """Reads the name of a clip or its file.

    Raises:
        InputError: the name is not of that form.
    """
    match = re.search(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})', name)
    if not match:
        raise InputError(f'{name!r} is no clip of NTU RGB+D, expected a name such as S001C001P001R001A001')
    return ClipName(*map(int, match.groups()))


def _is_novel(clip: ClipName) -> bool:
    return clip.action % 6 == 1


def _is_exemplar(clip: ClipName) -> bool:
    return _is_novel(clip) and clip[:4] == (1 if clip.action <= 60 else 18, 3, 8, 1)


SPLITS: dict[str, Callable[[ClipName], bool]] = {
    'xsub_train': lambda clip: clip.performer in TRAIN_PERFORMERS,
    'xsub_val': lambda clip: clip.performer not in TRAIN_PERFORMERS,
    'xview_train': lambda clip: clip.camera in (2, 3),
    'xview_val': lambda clip: clip.camera == 1,
    'xset_train': lambda clip: clip.setup % 2 == 0,
    'xset_val': lambda clip: clip.setup % 2 == 1,
    'oneshot_auxiliary': lambda clip: not _is_novel(clip),
    'oneshot_train': _is_exemplar,
    'oneshot_val': lambda clip: _is_novel(clip) and not _is_exemplar(clip),
}


def auxiliary_labels() -> np.ndarray:
    """Classes of the one-shot protocol's auxiliary set: (120,) int64, old class to new, -1 for the 20 novel ones."""
    auxiliary = np.arange(120) % 6 != 0
    return np.where(auxiliary, np.cumsum(auxiliary) - 1, -1)


def read_missing(path: str | os.PathLike[str]) -> set[str]:
    """Names in the authors' list of clips with missing skeletons; its header and other lines count for nothing."""
    with reading(f'{path} is no list of clips', 'download the list that docs/datasets/ntu.md names'):
        return set(re.findall(r'S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}', Path(path).read_text()))


@DATASETS.register_module()
class NTUActionDataset(SkeletonActionDataset):
    """NTU RGB+D 60 and 120 in the form of PYSKL; splits that a file does not have follow from the names.

    ``split`` is one of :data:`SPLITS`, or several; the one-shot protocol trains on ``oneshot_auxiliary``, whose 100
    classes are numbered anew, and tests on ``['oneshot_train', 'oneshot_val']``, where the 20 exemplars are marked
    ``exemplar``. Other metadata of a clip: ``subject`` (``'P001'``), ``camera`` (``'C001'``) and ``action_name``
    (``'A001'``).

    Args:
        **kwargs: see :class:`SkeletonActionDataset`.
    """

    METAINFO = {'dataset_name': 'ntu', 'two_person_actions': sorted(TWO_PERSON_ACTIONS)}
    how = 'download ntu60_hrnet.pkl or ntu120_hrnet.pkl as docs/datasets/ntu.md says'

    def choose(self, annotations: list[dict], splits: Mapping[str, Sequence[str]]) -> list[dict]:
        names = [annotation['frame_dir'] for annotation in annotations]
        rules = {s: rule for s, rule in SPLITS.items() if s in (self.splits or ()) and s not in splits}
        clips = {name: parse_name(name) for name in names} if rules else {}
        made = {split: [name for name, clip in clips.items() if rule(clip)] for split, rule in rules.items()}
        return super().choose(annotations, {**splits, **made})

    def metadata(self, annotation: dict) -> dict[str, Any]:
        metadata, clip = super().metadata(annotation), parse_name(annotation['frame_dir'])
        if 'oneshot_auxiliary' in (self.splits or ()):
            metadata['action'] = int(auxiliary_labels()[clip.action - 1])
        names = {'subject': f'P{clip.performer:03}', 'camera': f'C{clip.camera:03}'}
        return {**metadata, **names, 'action_name': f'A{clip.action:03}', 'exemplar': _is_exemplar(clip)}

"""NTU RGB+D 60 and 120: what clip names say, the splits, and the Kinect's own files."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
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
    found = re.search(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})', name)
    if not found:
        raise InputError(f'{name!r} is no clip of NTU RGB+D, expected a name such as S001C001P001R001A001')
    return ClipName(*map(int, found.groups()))


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


def read_missing(path: str | os.PathLike) -> set[str]:
    """Names in the authors' list of clips with missing skeletons; its header and other lines count for nothing."""
    return set(re.findall(r'S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}', Path(path).read_text()))


@DATASETS.register_module()
class NTUActionDataset(SkeletonActionDataset):
    """NTU RGB+D 60 and 120 in the form of PYSKL; splits that a file does not have follow from the names.

    ``split`` is one of :data:`SPLITS`, or several; the one-shot protocol trains
    on ``oneshot_auxiliary``, whose 100 classes are numbered anew, and tests on
    ``['oneshot_train', 'oneshot_val']``, where the 20 exemplars have the fact
    ``exemplar``. Other facts of a clip: ``subject`` (``'P001'``), ``camera``
    (``'C001'``) and ``action_name`` (``'A001'``).

    Args:
        **kwargs: see :class:`SkeletonActionDataset`.
    """

    METAINFO = {'dataset_name': 'ntu', 'two_person_actions': sorted(TWO_PERSON_ACTIONS)}
    where = 'download ntu60_hrnet.pkl or ntu120_hrnet.pkl as docs/datasets/ntu.md says'

    def choose(self, annotations: list[dict], splits: Mapping[str, Sequence[str]]) -> list[dict]:
        """See the base class."""
        names = [annotation['frame_dir'] for annotation in annotations]
        rules = {s: rule for s, rule in SPLITS.items() if s in (self.splits or ()) and s not in splits}
        clips = {name: parse_name(name) for name in names} if rules else {}
        made = {split: [name for name, clip in clips.items() if rule(clip)] for split, rule in rules.items()}
        return super().choose(annotations, {**splits, **made})

    def facts(self, annotation: dict) -> dict[str, Any]:
        """See the base class."""
        facts, clip = super().facts(annotation), parse_name(annotation['frame_dir'])
        if 'oneshot_auxiliary' in (self.splits or ()):
            facts['action'] = int(auxiliary_labels()[clip.action - 1])
        facts['exemplar'] = _is_exemplar(clip)
        names = {'subject': f'P{clip.performer:03}', 'camera': f'C{clip.camera:03}'}
        return {**facts, **names, 'action_name': f'A{clip.action:03}'}


class Body(NamedTuple):
    """One body that the Kinect saw.

    Attributes:
        frames: (n,) frames in which it was seen.
        joints: (n, 25, 12): x, y, z (metres, y up), depth x, y, colour x, y
            (pixels), orientation w, x, y, z, tracking state (0 not tracked, 1
            inferred, 2 tracked). NaN where the Kinect gave no number.
    """

    frames: np.ndarray
    joints: np.ndarray

    def camera_points(self) -> np.ndarray:
        """(n, 25, 3) metres in camera axes (x right, y down, z forward), as the colour picture shows them.

        The files' x may run to either side: its sign is taken from whether the
        colour column grows with x / z. Left and right joints keep their names.
        """
        x, y, z = np.moveaxis(self.joints[..., :3], -1, 0)
        column, slope = self.joints[..., 5].ravel(), (x / np.where(z > 0, z, np.nan)).ravel()
        known = np.isfinite(column) & np.isfinite(slope)
        grows = np.dot(column[known] - column[known].mean(), slope[known]) >= 0 if known.any() else True
        return np.stack([x if grows else -x, -y, z], -1)


def read_skeleton(path: str | os.PathLike) -> tuple[int, dict[int, Body]]:
    """Reads a ``.skeleton`` file.

    Args:
        path: the file.

    Returns:
        Number of frames, and the bodies by the Kinect's id, in order of appearance.

    Raises:
        InputError: the file ends early or is no such file.

    Source: NTU RGB+D, ``read_skeleton_file.m``.
    """
    frames: dict[int, list[int]] = {}
    rows: dict[int, list[str]] = {}
    try:
        text = re.sub(r'[-+.\w]*[#(]\S*', 'nan', Path(path).read_text())  # Windows: 1.#IND, -1.#QNAN, -nan(ind)
        lines = iter(line for line in text.splitlines() if line.strip())
        count = int(next(lines))
        for frame in range(count):
            for _ in range(int(next(lines))):
                body = int(next(lines).split()[0])  # 17 digits: too many for a float
                if int(next(lines)) != 25:
                    raise ValueError('a body has not 25 joints')
                frames.setdefault(body, []).append(frame)
                rows.setdefault(body, []).extend(next(lines) for _ in range(25))
        joints = {body: np.array(' '.join(text).split(), np.float64) for body, text in rows.items()}
        joints = {body: np.where(np.isinf(j), np.nan, j).reshape(-1, 25, 12) for body, j in joints.items()}
        return count, {body: Body(np.array(frames[body]), joints[body]) for body in frames}
    except (OSError, StopIteration, RuntimeError, ValueError) as error:
        early = isinstance(error, (StopIteration, RuntimeError))  # the latter from inside a generator
        reason = 'it ends inside a frame' if early else str(error)
        raise InputError(f'{path} is no whole .skeleton file ({reason}); download it again') from error


def persons_of(bodies: Sequence[Body]) -> np.ndarray:
    """The one or two persons of a clip, as PYSKL cleans the Kinect's bodies.

    Where there are several bodies, those of 11 frames or fewer are dropped,
    then those that are wider than 0.8 of their height in 0.69754 of their
    frames or more: furniture. The one that moves most comes first; further
    ones join the first track whose frames they do not overlap. Frames without
    a body are dropped.

    Args:
        bodies: of one file, one or more.

    Returns:
        (M, T, 25, 12), see :class:`Body`; zeros where a person is not seen.
    """
    kept = list(bodies)
    for fine in (lambda body: len(body.frames) > 11, lambda body: _spread(body) < 0.69754):
        if len(kept) > 1:
            kept = [body for body in kept if fine(body)] or kept
    tracks: list[dict[int, np.ndarray]] = [{}, {}]
    for body in sorted(kept, key=lambda body: -np.nanvar(body.joints[..., :3], (0, 1)).sum()):
        free = [track for track in tracks if not track.keys() & set(body.frames.tolist())]
        if free:
            free[0].update(zip(body.frames.tolist(), body.joints, strict=True))
    shown = sorted(tracks[0].keys() | tracks[1].keys())
    nobody = np.zeros((25, 12))
    return np.array([[track.get(frame, nobody) for frame in shown] for track in tracks if track])


def _spread(body: Body) -> float:
    width, height = np.moveaxis(np.ptp(body.joints[..., :2], axis=1), -1, 0)
    return float((width > 0.8 * height).mean())

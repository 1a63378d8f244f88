"""Skeleton action recognition in the pickled form of PYSKL and MMAction2."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_names
from ..registry import DATASETS
from ..skeletons import convert_keypoints, get_skeleton
from ..utils.safe_pickle import load_pickle
from .clip_batch import ClipBatch
from .sequence_dataset import SequenceDataset
from .sequences import Sequences

_KEYS = ('frame_dir', 'label', 'img_shape', 'keypoint', 'keypoint_score')


@DATASETS.register_module()
class SkeletonActionDataset(SequenceDataset):
    """Clips of one or more persons with the class of their action.

    The file holds ``annotations``, a list of dicts with ``frame_dir``, ``label``, ``img_shape`` (height, width),
    ``keypoint`` (M, T, V, 2) pixels and ``keypoint_score`` (M, T, V), often float16, and ``split``, a dict of lists of
    ``frame_dir``; a bare list of annotations serves too. It is read without executing anything from it. Samples are
    float32 and have a persons axis: ``keypoints`` (M, T, J, 2), ``keypoints_visible`` (M, T, J), ``present`` (M,). The
    persons are tracked by :func:`track_two`; a joint set that is not the samples' is converted.

    Args:
        ann_file: the pickle.
        split: name or names in the file's ``split``; ``None`` takes all.
        source: joint set of the file.
        skeleton: joint set of the samples.
        num_persons: M: further ones are left out, missing ones are zeros.
        official_confidence_order: leave scores as the file has them, in the order of its joints and without tracking,
            while points are converted and tracked. This is how MotionBERT's action models were trained, so their
            weights need it.
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: the file is missing, wrong, or has no such split.

    Source: PYSKL's data format; MotionBERT, appendix and published data set.
    """

    METAINFO = {'dataset_name': 'skeleton_action'}
    how = 'see docs/datasets/ntu.md for the published files'

    def __init__(
        self,
        split: str | Sequence[str] | None = None,
        source: str = 'coco17',
        skeleton: str = 'h36m17',
        num_persons: int = 2,
        official_confidence_order: bool = False,
        **kwargs: Any,
    ) -> None:
        self.splits = [split] if isinstance(split, str) else split
        self.source, self.skeleton, self.num_persons = get_skeleton(source), get_skeleton(skeleton), num_persons
        self.official_confidence_order = official_confidence_order
        if official_confidence_order and self.skeleton.num_joints != self.source.num_joints:
            raise InputError(
                f'official_confidence_order keeps the scores of {self.source.name}, which has not the '
                f'{self.skeleton.num_joints} joints of {self.skeleton.name}; leave it out'
            )
        super().__init__(**{'window': 'whole', **kwargs})

    def load(self) -> Sequences:
        """Reads, checks and tracks the clips of the split, and lays them end to end, person after person."""
        how = f'{self.how}, and put it there or set data_root'
        annotations, splits = _parts(load_pickle(self.ann_file, how=how), Path(self.ann_file))
        infos, parts = [], []
        for annotation in self.choose(annotations, splits):
            keypoints, score = (array[: self.num_persons] for array in self._checked(annotation))
            if len(keypoints) == 2:
                order = track_two(keypoints)
                keypoints = np.take_along_axis(keypoints, order[..., None, None], 0)
                score = score if self.official_confidence_order else np.take_along_axis(score, order[..., None], 0)
            size = {'persons': len(keypoints), 'img_shape': tuple(map(int, annotation['img_shape']))}
            infos.append({**size, **self.metadata(annotation)})
            parts.append({'keypoints': np.concatenate(keypoints), 'keypoints_visible': np.concatenate(score)})
        sequences = Sequences.joined(parts, infos, metainfo={'skeleton': self.skeleton.name})
        for info in sequences.infos:
            info['length'] //= info['persons']
        return sequences

    def choose(self, annotations: list[dict], splits: Mapping[str, Sequence[str]]) -> list[dict]:
        """The annotations of the split, in the file's order."""
        if self.splits is None:
            return annotations
        check_names(f'{self.ann_file} has no split', self.splits, sorted(splits))
        requested = {name for split in self.splits for name in splits[split]}
        chosen = [annotation for annotation in annotations if annotation['frame_dir'] in requested]
        if not chosen:
            raise InputError(f'{self.ann_file} has no clip of the split {self.splits}; check the file')
        return chosen

    def metadata(self, annotation: dict) -> dict[str, Any]:
        """Metadata of a sample beside its arrays; ``action`` is the class."""
        return {'sequence': str(annotation['frame_dir']), 'action': int(annotation['label'])}

    def _checked(self, annotation: dict) -> tuple[np.ndarray, np.ndarray]:
        keypoints, score = np.asarray(annotation['keypoint']), np.asarray(annotation['keypoint_score'])
        name, joints, shape = annotation['frame_dir'], self.source.num_joints, keypoints.shape
        frames = annotation.get('total_frames', shape[1] if len(shape) == 4 else 0)
        if len(shape) != 4 or shape[1:] != (frames, joints, 2) or score.shape != shape[:3] or not score.size:
            raise InputError(
                f'{self.ann_file}: {name} has keypoint {shape}, keypoint_score {score.shape} and total_frames '
                f'{frames}, expected (M, T, {joints}, 2), (M, T, {joints}) and T for {self.source.name}; '
                f'take a file of 2D poses, or name its joint set with source'
            )
        if any(array.dtype.kind not in 'fiu' or not np.isfinite(array).all() for array in (keypoints, score)):
            raise InputError(f'{self.ann_file}: {name} has coordinates that are no finite numbers; leave the clip out')
        label, size = annotation['label'], annotation['img_shape']
        if not isinstance(label, (int, np.integer)) or np.shape(size) != (2,) or min(size) < 1:
            raise InputError(
                f'{self.ann_file}: {name} has label {label!r}, img_shape {size!r}, expected a number, (height, width)'
            )
        return keypoints, score

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray], metadata: Sequence[dict]) -> list[ClipBatch]:
        clips = zip(infos, frames, metadata, strict=True)
        return [ClipBatch.stack([{**self._arrays_of(info, f), **entry}]) for info, f, entry in clips]

    def _arrays_of(self, info: dict, frames: np.ndarray) -> dict[str, np.ndarray]:
        persons, length = info['persons'], info['length']
        rows = info['first'] + np.arange(persons)[:, None] * length + frames
        points, scores = (self.arrays[key][rows].astype(np.float32) for key in ('keypoints', 'keypoints_visible'))
        points, mixed = convert_keypoints(points, self.source.name, self.skeleton.name, scores, 'mean')
        missing = (0, self.num_persons - persons)
        scores = scores if self.official_confidence_order else mixed
        return {
            'keypoints': np.pad(points, [missing, *[(0, 0)] * 3]),
            'keypoints_visible': np.pad(scores, [missing, *[(0, 0)] * 2]),
            'present': np.arange(self.num_persons) < persons,
            'frame_indices': frames,
        }


def track_two(keypoints: np.ndarray) -> np.ndarray:
    """Tracks two persons over time, where a detector may have swapped them.

    The two change places in every frame whose first person is nearer to where the second was than to where the first
    was, by the sum of absolute differences over all joints; a second change undoes the first.

    Args:
        keypoints: (2, T, J, 2), any unit.

    Returns:
        (2, T) int64: which of the two is person 0, and person 1, in each frame.

    Source: MotionBERT, ``human_tracking``.
    """
    first, both = keypoints[:1, 1:].astype(np.float32), keypoints[:, :-1].astype(np.float32)
    stay, change = abs(first - both).sum((2, 3))
    swapped = np.cumsum(np.concatenate([[False], stay > change])) % 2
    return np.stack([swapped, 1 - swapped])


def _parts(document: Any, path: Path) -> tuple[list[dict], Mapping[str, Sequence[str]]]:
    """Annotations and splits of a file, their structure checked."""
    document = {'annotations': document, 'split': {}} if isinstance(document, list) else document
    if not isinstance(document, Mapping) or not isinstance(document.get('annotations'), list):
        raise InputError(
            f"{path} holds a {type(document).__name__}, expected a dict with 'split' and 'annotations', or a list of "
            f'annotations; take a file in the form of PYSKL'
        )
    for i, annotation in enumerate(document['annotations']):
        missing = [key for key in _KEYS if key not in annotation] if isinstance(annotation, Mapping) else list(_KEYS)
        if missing:
            raise InputError(f'{path}: annotation {i} lacks {missing}; take a file of 2D poses in the form of PYSKL')
    if not document['annotations']:
        raise InputError(f'{path} has no annotation; take a file in the form of PYSKL')
    return document['annotations'], document.get('split') or {}

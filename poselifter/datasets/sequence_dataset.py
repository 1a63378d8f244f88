"""The base of all data sets: sequences of keypoints, read as windows for training and whole for testing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from mmengine.dataset import BaseDataset

from ..errors import InputError, reading
from ..structures import SAMPLE_KEYS, WindowPolicy
from .clip_batch import ClipBatch, PackedClips, join_batches
from .sequences import Sequences
from .transforms.base import build_pipeline
from .transforms.clips import resample_frames

_CHUNK = 16  # clips that stay in a processor's cache from one transform to the next


class SequenceDataset(BaseDataset, ABC):
    """Windows of sequences for training, whole sequences for testing.

    A subclass implements :meth:`load`, one of several persons :meth:`read` too. The list of training samples is one
    int32 table ``windows`` of (sequence, first frame, length of the sequence, mirrored); no frame is copied before it
    is asked for, and the arrays of a source are shared by forked workers.

    A sample has the arrays of its source, the metadata of its sequence that :data:`~poselifter.structures.SAMPLE_KEYS`
    names, and those of ``metainfo`` (``skeleton``, ``skeleton_3d``). What is left out of ``keypoints_visible`` and
    ``lifting_target_visible`` counts as 1.

    Args:
        window: :class:`WindowPolicy` (or its arguments) that cuts training clips; needed unless ``test_mode``.
            ``'whole'``: a sequence is a clip, and ``ResampleClip``, or ``RandomWindow`` and ``EdgePad`` fix the length.
        views: how many times each sequence is listed in ``test_mode``, each
            with another random key (say, another virtual camera).
        seed: of all random transforms.
        mirrored_copies: list each training window twice, plain and mirrored
            (VideoPose3D, MixSTE, P-STMO), instead of mirroring at random:
            ``FlipPose`` then does what the list says.
        min_frames: shorter sequences are stretched to so many frames by
            repeating theirs evenly; MotionBERT's program draws them at random.
        pipeline: transforms, or their configs.
        filter_cfg: ``dict(include={field: values}, exclude={field: values})`` over the fields of a sequence
            (``subject``, ``source_format``, ``action_name``, ...).
        **kwargs: of mmengine's ``BaseDataset`` (``ann_file``, ``data_root``, ``test_mode``, ...).

    Raises:
        InputError: a file is missing or wrong, or the filter leaves nothing.
    """

    def __init__(
        self,
        window: WindowPolicy | Mapping[str, Any] | Literal['whole'] | None = None,
        views: int = 1,
        seed: int = 0,
        mirrored_copies: bool = False,
        min_frames: int = 0,
        pipeline: Sequence[dict | Callable] = (),
        **kwargs: Any,
    ) -> None:
        if window is None and not kwargs.get('test_mode'):
            raise InputError(f'{type(self).__name__}: training needs window=dict(length=...)')
        self.window = WindowPolicy(**window) if isinstance(window, Mapping) else window
        self._whole = window == 'whole' or kwargs.get('test_mode', False)
        self.views, self.seed, self.mirrored_copies, self.min_frames = views, seed, mirrored_copies, min_frames
        self._infos: dict[int, tuple[dict, dict]] = {}
        self._text_places: list[int] | None = None  # of its own texts in a table that other sources share
        # mmengine would look transforms up in the default scope, which may not be ours
        super().__init__(pipeline=build_pipeline(pipeline), **kwargs)

    @abstractmethod
    def load(self) -> Sequences:
        """Reads the source."""

    def load_data_list(self) -> list[dict]:
        """Keeps the arrays of :meth:`load` and lists its sequences; called by mmengine."""
        files = f'{type(self).__name__}: {self.ann_file or self.data_root} is not as this data set has it'
        with reading(files, 'convert or download it again'):  # spoilt files fail in any way
            sequences = self.load()
        self.arrays, self.decode = sequences.arrays, sequences.decode
        self._metainfo.update(sequences.metainfo)
        for info in sequences.infos:
            if info['length'] < self.min_frames:
                info |= {'length': self.min_frames, 'shown': resample_frames(info['length'], self.min_frames, 'even')}
        return sequences.infos

    def full_init(self) -> None:
        """Loads, filters and lists the windows; mmengine calls it once."""
        if self._fully_initialized:
            return
        super().full_init()
        self.windows = self.list_windows()

    def list_windows(self) -> np.ndarray:
        """The table ``windows`` (N, 4) int32; raises an InputError where it has no row."""
        views, parts = np.arange(self.views if self.test_mode else 1), []
        for number in range(super().__len__()):
            length = self.get_data_info(number)['length']
            starts = views if self._whole else self.window.starts(length)
            for mirrored in range(2 if self.mirrored_copies and not self.test_mode else 1):
                parts.append(np.stack(np.broadcast_arrays(number, starts, length, mirrored), -1).astype(np.int32))
        windows = np.concatenate(parts)
        if not len(windows):
            raise InputError(f'{type(self).__name__}: no sequence has the {self.window.length} frames of a window')
        return windows

    def filter_data(self) -> list[dict]:
        """Keeps the sequences that ``filter_cfg`` asks for."""
        rules = self.filter_cfg or {}
        unknown = set(rules) - {'include', 'exclude'}
        fields = {f for rule in rules.values() for f in rule}
        known = set().union(*self.data_list) if self.data_list else fields
        if unknown or not fields <= known:
            raise InputError(
                f'{type(self).__name__}: filter_cfg names {sorted(unknown | (fields - known))}, '
                f'expected include and exclude over {sorted(known)}'
            )
        include, exclude = rules.get('include', {}), rules.get('exclude', {})
        kept = [info for info in self.data_list if all(info[f] in values for f, values in include.items())]
        kept = [info for info in kept if not any(info[f] in values for f, values in exclude.items())]
        if not kept:
            raise InputError(f'{type(self).__name__}: filter_cfg {self.filter_cfg} leaves no sequence; loosen it')
        return kept

    def check_classes(self, count: int) -> None:
        """Checks that the actions of its sequences are below the number of classes of a model, or -1, unknown.

        Raises:
            InputError: one is not.
        """
        for number in np.unique(self.windows[:, 0]).tolist():
            info = self.get_data_info(number)
            if not -1 <= info.get('action', -1) < count:
                raise InputError(
                    f'{type(self).__name__}: {info.get("sequence")} has the class {info["action"]}, the model has '
                    f'{count}, 0 to {count - 1}; number the classes from 0, or set num_classes of its head'
                )

    def share_texts(self, texts: Sequence[str]) -> None:
        """Makes ``captions`` index a table that other sources share, and that holds all texts of its own."""
        self.full_init()
        places = [texts.index(text) for text in self._metainfo['texts']]
        if counts := self._metainfo.get('text_counts'):
            shared = dict(zip(places, counts, strict=True))
            self._metainfo['text_counts'] = [shared.get(place, 0) for place in range(len(texts))]
        self._text_places = places if self._text_places is None else [places[text] for text in self._text_places]
        self._metainfo['texts'] = list(texts)
        self._infos.clear()

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray], metadata: Sequence[dict]) -> list[ClipBatch]:
        """Reads frames of sequences, all in one gather an array.

        Args:
            infos: one entry of the data list for each sample.
            frames: for each sample the (T,) frames to read, within the sequence.
            metadata: values of each sample beside arrays.

        Returns:
            The samples in order, see :meth:`ClipBatch.cut`.
        """
        rows = np.concatenate([info['first'] + f for info, f in zip(infos, frames, strict=True)])
        arrays = self.decode({key: np.asarray(a.take(rows, 0), np.float32) for key, a in self.arrays.items()})
        for key, visible in (('keypoints', 'keypoints_visible'), ('lifting_target', 'lifting_target_visible')):
            if key in arrays and visible not in arrays:
                arrays[visible] = np.ones(arrays[key].shape[:2], np.float32)
        arrays['frame_indices'] = np.concatenate(frames)
        return ClipBatch.cut(arrays, [len(f) for f in frames], metadata)

    def batches(self, indices: Sequence[int]) -> list[ClipBatch]:
        """Samples before the pipeline, in order, see :meth:`ClipBatch.cut`.

        Args:
            indices: ``epoch * len(self) + index`` each, as :class:`EpochSampler` yields them; a plain index is epoch 0.
        """
        self.full_init()
        epochs, rows = np.divmod(np.asarray(indices), len(self.windows))
        table = self.windows[rows]
        infos, metadata = zip(*(self._cached_info(i) for i in table[:, 0].tolist()), strict=True)
        keys = zip(metadata, epochs.tolist(), rows.tolist(), strict=True)
        metadata = [{**entry, 'random_key': [self.seed, epoch, row, 0]} for entry, epoch, row in keys]
        if self.test_mode:
            for entry, view in zip(metadata, table[:, 1], strict=True):
                entry.setdefault('camera', f'view{view}')
        elif self.mirrored_copies:
            for entry, mirrored in zip(metadata, table[:, 3].tolist(), strict=True):
                entry['mirrored'] = bool(mirrored)
        if self._whole:
            frames = [np.arange(n) for n in table[:, 2]]
        else:
            frames = self.window.input_frames(table[:, 1], table[:, 2])
        if self.min_frames:
            frames = [info['shown'][f] if 'shown' in info else f for info, f in zip(infos, frames, strict=True)]
        return self.read(infos, frames, metadata)

    def samples(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """The sample dicts of :meth:`batches`."""
        return [sample for batch in self.batches(indices) for sample in batch]

    def _cached_info(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """An entry of the data list, which mmengine unpickles at every call, and its part that samples have."""
        if index not in self._infos:
            if len(self._infos) >= 4096:
                self._infos.clear()
            info = self.get_data_info(index)
            if self._text_places is not None:
                info = {**info, 'captions': [self._text_places[text] for text in info['captions']]}
            content = {**self._metainfo, **info}
            self._infos[index] = info, {key: value for key, value in content.items() if key in SAMPLE_KEYS}
        return self._infos[index]

    def __len__(self) -> int:
        self.full_init()
        return len(self.windows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """One epoch in order; Python's loop would run on into the next ones."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[dict[str, Any]]:
        """A batch of samples through the pipeline; the DataLoader calls it in the worker."""
        parts: list[ClipBatch] = []
        for start in range(0, len(indices), _CHUNK):
            batches = self.batches(indices[start : start + _CHUNK])
            for step in self.pipeline.transforms:
                batches = step.transform_batches(batches)
            parts += batches
        if all(isinstance(part, PackedClips) for part in parts):
            parts = join_batches(parts)
        return parts[0] if len(parts) == 1 else [sample for part in parts for sample in part]

"""What every dataset of clips has in common."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from mmengine.dataset import BaseDataset

from ..errors import InputError
from ..registry import DATASETS, TRANSFORMS
from ..structures import WindowPolicy
from .clip_batch import ClipBatch, PackedClips, run_pipeline

_CHUNK = 16  # clips that stay in a processor's cache from one transform to the next


class WholeSequence(WindowPolicy):
    """One window a sequence, as long as it is; ``ResampleClip``, or ``RandomWindow`` and ``EdgePad`` fix the length."""

    def starts(self, n_frames: int) -> np.ndarray:
        """The first frame."""
        return np.zeros(1, np.int64)

    def input_frames(self, starts: np.ndarray, n_frames: np.ndarray | int) -> list[np.ndarray]:
        """All frames of each sequence."""
        return [np.arange(n) for n in np.atleast_1d(n_frames)]


@DATASETS.register_module()
class BaseMotionDataset(BaseDataset):
    """Sequences of keypoints, read as windows for training and whole for testing.

    A subclass implements :meth:`load_data_list` (one dict a sequence with at
    least ``sequence`` and ``length``; big arrays it keeps in attributes, which
    forked workers share) and :meth:`read` (frames of sequences, as sample
    dicts). The list of training samples is one int32 table of (sequence, first
    frame, length of the sequence, mirrored); no frame is copied before it is
    asked for.

    Args:
        window: :class:`WindowPolicy` (or its arguments) that cuts training
            clips; needed unless ``test_mode``. ``'whole'``: a sequence is a clip.
        views: how many times each sequence is listed in ``test_mode``, each
            with its own random key (say, its own virtual camera).
        seed: of all random transforms.
        mirrored_copies: list each training window twice, plain and mirrored
            (VideoPose3D, MixSTE, P-STMO), instead of mirroring at random:
            ``FlipPose`` then does what the list says.
        pipeline: transforms, or their configs.
        filter_cfg: ``dict(include={field: values}, exclude={field: values})``
            over the fields of a sequence (``subject``, ``source_format``,
            ``action_name``, ...).
        **kwargs: of mmengine's ``BaseDataset`` (``ann_file``, ``data_root``,
            ``test_mode``, ...).

    Raises:
        InputError: a file is missing or wrong, or the filter leaves nothing.
    """

    def __init__(
        self,
        window: WindowPolicy | Mapping[str, Any] | Literal['whole'] | None = None,
        views: int = 1,
        seed: int = 0,
        mirrored_copies: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        **kwargs: Any,
    ) -> None:
        if window is None and not kwargs.get('test_mode'):
            raise InputError(f'{type(self).__name__}: training needs window=dict(length=...)')
        window = WholeSequence(1) if window == 'whole' else window
        self.window = WindowPolicy(**window) if isinstance(window, Mapping) else window
        self.views, self.seed, self.mirrored_copies = views, seed, mirrored_copies
        self._infos: dict[int, dict] = {}
        # mmengine would look transforms up in the default scope, which may not be ours
        steps = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]
        super().__init__(pipeline=steps, **kwargs)

    def full_init(self) -> None:
        """Loads, filters and lists the windows; mmengine calls it once."""
        if self._fully_initialized:
            return
        super().full_init()
        lengths = [self.get_data_info(i)['length'] for i in range(super().__len__())]
        starts = [np.arange(self.views) if self.test_mode else self.window.starts(n) for n in lengths]
        copies = 2 if self.mirrored_copies and not self.test_mode else 1
        counts = [len(s) * copies for s in starts]
        columns = [np.repeat(np.arange(len(lengths)), counts), np.concatenate([np.tile(s, copies) for s in starts])]
        mirrored = np.concatenate([np.repeat(np.arange(copies), len(s)) for s in starts])
        self.windows = np.stack([*columns, np.repeat(lengths, counts), mirrored], 1).astype(np.int32)
        if not len(self.windows):
            raise InputError(f'{type(self).__name__}: no sequence has the {self.window.length} frames of a window')

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

        def wanted(info: dict) -> bool:
            include, exclude = rules.get('include', {}), rules.get('exclude', {})
            return all(info[f] in v for f, v in include.items()) and not any(info[f] in v for f, v in exclude.items())

        kept = [info for info in self.data_list if wanted(info)]
        if not kept:
            raise InputError(f'{type(self).__name__}: filter_cfg {self.filter_cfg} leaves no sequence; loosen it')
        return kept

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """Reads frames of sequences, all in one gather where the source allows.

        Args:
            infos: one entry of the data list for each sample.
            frames: for each sample the (T,) frames to read, within the sequence.

        Returns:
            For each sample the arrays and facts of
            :data:`~poselifter.structures.SAMPLE_KEYS`, without ``random_key``;
            best as a :class:`ClipBatch`, which is transformed as a whole.
        """
        raise TypeError(f'{type(self).__name__} must implement read(infos, frames)')

    def samples(self, indices: Sequence[int]) -> Sequence[dict[str, Any]]:
        """Sample dicts before the pipeline.

        Args:
            indices: ``epoch * len(self) + index`` each, as
                :class:`EpochSampler` yields them; a plain index is epoch 0.
        """
        if not self._fully_initialized:
            self.full_init()
        epochs, rows = np.divmod(np.asarray(indices), len(self.windows))
        table = self.windows[rows]
        infos = [self._cached_info(i) for i in table[:, 0].tolist()]
        if self.test_mode:
            frames = [np.arange(n) for n in table[:, 2]]
        else:
            frames = list(self.window.input_frames(table[:, 1], table[:, 2]))
        samples = self.read(infos, frames)
        facts = {'random_key': [[self.seed, *key, 0] for key in zip(epochs.tolist(), rows.tolist(), strict=True)]}
        if self.test_mode:
            views = [f'view{view}' for view in table[:, 1]]
            facts['camera'] = [info.get('camera', view) for info, view in zip(infos, views, strict=True)]
        elif self.mirrored_copies:
            facts['mirrored'] = table[:, 3].astype(bool).tolist()
        if isinstance(samples, ClipBatch):
            samples.facts.update(facts)
        else:
            for i, sample in enumerate(samples):
                sample.update({key: values[i] for key, values in facts.items()})
        return samples

    def _cached_info(self, index: int) -> dict[str, Any]:
        """An entry of the data list; mmengine unpickles one at every call."""
        if index not in self._infos:
            if len(self._infos) >= 4096:
                self._infos.clear()
            self._infos[index] = self.get_data_info(index)
        return self._infos[index]

    def __len__(self) -> int:
        if not self._fully_initialized:
            self.full_init()
        return len(self.windows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """One epoch in order; Python's own loop would run on into the next ones."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[dict[str, Any]]:
        """A batch of samples through the pipeline; the DataLoader calls it in the worker."""
        steps = self.pipeline.transforms
        parts = [run_pipeline(steps, self.samples(indices[i : i + _CHUNK])) for i in range(0, len(indices), _CHUNK)]
        kinds = [part.kind if isinstance(part, PackedClips) else None for part in parts]
        if len(parts) == 1 or (kinds and kinds[0] and kinds.count(kinds[0]) == len(kinds)):
            return parts[0] if len(parts) == 1 else PackedClips.join(parts)
        return [sample for part in parts for sample in part]

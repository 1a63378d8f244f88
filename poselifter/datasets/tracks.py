"""Sources that lay their frames end to end and name each frame's sequence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .captured import CapturedDataset
from .transforms.clips import resample_frames


class TrackDataset(CapturedDataset):
    """Base of such sources: where the name changes, a new sequence begins.

    Args:
        min_frames: shorter sequences are stretched to so many frames by
            repeating theirs evenly; MotionBERT's program draws them at random.
        **kwargs: see :class:`CapturedDataset`.
    """

    def __init__(self, min_frames: int = 0, **kwargs: Any) -> None:
        self.min_frames = min_frames
        super().__init__(**kwargs)

    def cut(self, names: np.ndarray) -> list[dict[str, Any]]:
        """``first``, ``length`` and the stretched sequences' ``shown`` frames, from the name (N,) of each frame."""
        first = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if len(names) else np.array([], int)
        infos = []
        for k, length in zip(first.tolist(), np.diff(first, append=len(names)).tolist(), strict=True):
            short = {'shown': resample_frames(length, self.min_frames, 'even')} if length < self.min_frames else {}
            infos.append({'first': k, 'length': max(length, self.min_frames), **short})
        return infos

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray]) -> Sequence[dict[str, Any]]:
        """See the base class; a stretched sequence shows the frames that it has."""
        return super().read(infos, [i['shown'][f] if 'shown' in i else f for i, f in zip(infos, frames, strict=True)])

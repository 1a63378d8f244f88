"""Masks of network inputs: joints, frames, body parts, windows of time, spans of joints."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from ...errors import InputError
from ...registry import TRANSFORMS
from ...skeletons import get_skeleton
from ..clip_batch import ClipBatch
from .base import BatchTransform, next_rngs


def choose(allowed: np.ndarray, count: np.ndarray | int, rng: np.random.Generator) -> np.ndarray:
    """Chooses places uniformly without replacement, in each row for itself.

    Args:
        allowed: (..., K) bool, at least ``count`` of them True in a row.
        count: (...) how many of a row.
        rng: source of the draws.

    Returns:
        (..., K) bool.
    """
    order = np.where(allowed, rng.random(allowed.shape), 2).argsort(-1)
    chosen = np.zeros(allowed.shape, bool)
    np.put_along_axis(chosen, order, np.arange(allowed.shape[-1]) < np.asarray(count)[..., None], -1)
    return chosen


_MOST_COPIES = 1000


def check_fraction(owner: object, name: str, value: float) -> None:
    """Raises an :class:`InputError` for a value outside [0, 1]."""
    if not 0 <= value <= 1:
        raise InputError(f'{type(owner).__name__}: {name} is {value}, expected 0 to 1')


class Mask(BatchTransform):
    """Base of masks, which come after ``Encode``, ``FlipPose`` and noise; a subclass implements :meth:`draw`.

    Attributes:
        write: ``'zeros'`` hides at once: 0 in all channels of ``inputs``
            (MotionBERT, ActionPose); of a padded clip it is drawn over the ``valid`` frames, and the padding, which
            repeats the last of them, repeats its mask. ``'mask'`` leaves it to the pretrainer:
            bool ``mask`` (T, J), True where hidden; several masks add up.

    Args:
        copies: that many independent masks of one clip, as ``masks`` (N, T, J); several add up likewise.
    """

    write: ClassVar[Literal['zeros', 'mask']] = 'zeros'
    corrupts = True

    def __init__(self, copies: int | None = None) -> None:
        if copies is not None and not 1 <= copies <= _MOST_COPIES:
            raise InputError(f'{type(self).__name__}: copies is {copies}, expected 1 to {_MOST_COPIES}')
        self.copies = copies

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Masks ``inputs``, or adds the mask to the sample."""
        inputs, copies = batch.arrays['inputs'], range(self.copies or 1)
        frames, joints = inputs.shape[-3:-1]
        counts = [frames] * len(batch)
        if self.write == 'zeros' and 'valid' in batch.arrays:
            counts = batch.arrays['valid'].sum(-1)
        masks = [
            [self.draw((count, joints), skeleton, rng)[np.arange(frames).clip(max=count - 1)] for _ in copies]
            for count, skeleton, rng in zip(counts, batch.metadata['skeleton'], next_rngs(batch), strict=True)
        ]
        if self.copies:
            batch.arrays['masks'] = np.array(masks) | batch.arrays.get('masks', False)
        elif self.write == 'mask':
            batch.arrays['mask'] = np.array(masks)[:, 0] | batch.arrays.get('mask', False)
        else:
            for clip, (mask,) in zip(inputs, masks, strict=True):
                clip *= np.repeat(~mask, clip.shape[-1], -1).reshape(clip.shape[-3:])  # one mask for several persons
        return batch

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        """A mask of shape (T, J), bool, True where hidden."""
        raise TypeError(f'{type(self).__name__} must implement draw(shape, skeleton, rng)')


@TRANSFORMS.register_module()
class JointMask(Mask):
    """Hides each joint of each frame with a probability (MotionBERT 0.05).

    Args:
        prob: that probability.
        frames: for so many frames on end, ``None`` for the whole clip: what is hidden behind something stays so.
        **kwargs: see :class:`Mask`.
    """

    def __init__(self, prob: float = 0.05, frames: int | None = 1, **kwargs: Any) -> None:
        check_fraction(self, 'prob', prob)
        super().__init__(**kwargs)
        self.prob, self.frames = prob, frames

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        frames = self.frames or max(shape[0], 1)
        drawn = rng.random((-(-shape[0] // frames), shape[1])) < self.prob
        return drawn.repeat(frames, 0)[: shape[0]]


@TRANSFORMS.register_module()
class FrameMask(JointMask):
    """Hides each frame with a probability (ActionPose 0.15, MotionBERT 0.1)."""

    def __init__(self, prob: float = 0.15, **kwargs: Any) -> None:
        super().__init__(prob, **kwargs)

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        return super().draw((shape[0], 1), skeleton, rng).repeat(shape[1], 1)


@TRANSFORMS.register_module()
class BodyPartMask(Mask):
    """Hides one of the skeleton's parts in all frames, each as likely (ActionPose, masked motion modelling)."""

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        parts = list(get_skeleton(skeleton).parts.values())
        if not parts:
            raise InputError(f'BodyPartMask: {skeleton} has no parts; convert the keypoints to h36m17 first')
        return np.broadcast_to(np.isin(np.arange(shape[1]), parts[rng.integers(len(parts))]), shape)


@TRANSFORMS.register_module()
class TimeWindowMask(Mask):
    """Hides neighbouring frames: the start, the middle or the end of a motion (ActionPose, masked motion modelling).

    Args:
        length: shortest and longest window, frames of a clip of 243; scaled to other clips, short padded ones too.
        **kwargs: see :class:`Mask`.
    """

    def __init__(self, length: tuple[int, int] = (30, 80), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        low, high = (min(max(round(n * shape[0] / 243), 1), shape[0]) for n in self.length)
        length = rng.integers(low, high + 1)
        frames = np.arange(shape[0]) - rng.integers(shape[0] - length + 1)
        return ((frames >= 0) & (frames < length))[:, None].repeat(shape[1], 1)


@TRANSFORMS.register_module()
class FrameRemoval(Mask):
    """Removes exactly ``int(T * rate)`` frames (P-STMO, section 3.2; Motion2vec with ``unit='frames'``)."""

    write = 'mask'

    def __init__(self, rate: float = 0.8, **kwargs: Any) -> None:
        check_fraction(self, 'rate', rate)
        super().__init__(**kwargs)
        self.rate = rate

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        return choose(np.ones(shape[0], bool), int(shape[0] * self.rate), rng)[:, None].repeat(shape[1], 1)


@TRANSFORMS.register_module()
class JointReplacement(Mask):
    """Replaces ``count`` joints of each frame (P-STMO, section 3.2).

    Args:
        count: joints of a frame.
        released: as the authors' code, which never takes the last joint.
        **kwargs: see :class:`Mask`.
    """

    write = 'mask'

    def __init__(self, count: int = 2, released: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count, self.released = count, released

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        allowed = np.arange(shape[1]) < shape[1] - self.released
        if not 0 <= self.count <= allowed.sum():
            raise InputError(f'JointReplacement: count is {self.count}, expected 0 to {allowed.sum()}')
        return choose(np.broadcast_to(allowed, shape), self.count, rng)


@TRANSFORMS.register_module()
class SpanMask(Mask):
    """Hides spans of neighbouring joints of a frame (Motion2vec's code, ``unit='joints'``).

    A frame's spans may overlap; with ``same_count`` every frame then keeps as many as the frame that has fewest, so the
    fraction that comes out hardly depends on ``prob`` (0.353 at T = 243 for 0.6, 0.7 and 0.8). With these settings the
    last joint is never hidden. For an exact fraction take :class:`JointReplacement` or :class:`FrameRemoval`.

    Args:
        prob: fraction that would be hidden without overlaps.
        length: joints of a span.
        same_count: hide equally many joints in all frames of the clip.
        **kwargs: see :class:`Mask`.
    """

    write = 'mask'

    def __init__(self, prob: float = 0.6, length: int = 5, same_count: bool = True, **kwargs: Any) -> None:
        check_fraction(self, 'prob', prob)
        super().__init__(**kwargs)
        self.prob, self.length, self.same_count = prob, length, same_count

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        n_frames, n_joints = shape
        spans = np.floor(self.prob * n_joints / self.length + rng.random(n_frames)).astype(int).clip(min=1)
        places = np.maximum(n_joints - self.length, spans + 1)  # room for many long spans: they reach over the end
        starts = choose(np.arange(n_joints) < places[:, None], spans, rng)
        mask = starts.copy()
        for shift in range(1, min(self.length, n_joints)):
            mask[:, shift:] |= starts[:, :-shift]
        if mask.all(-1).any():
            raise InputError(f'SpanMask: prob {self.prob} and length {self.length} hide a whole frame; lower prob')
        return choose(mask, mask.sum(-1).min(), rng) if self.same_count else mask


@TRANSFORMS.register_module()
class MaskMixture(Mask):
    """Draws one strategy for each clip (ActionPose: joints and frames 50 %, body part 25 %, time window 25 %).

    Args:
        probs: of the three strategies; what is missing to 1 leaves a clip as it is.
        **kwargs: see :class:`Mask`.
    """

    def __init__(self, probs: Sequence[float] = (0.5, 0.25, 0.25), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(probs) != 3 or min(probs) < 0 or sum(probs) > 1 + 1e-9:
            raise InputError(f'MaskMixture: probs are {str(list(probs))[:80]}, expected 3 numbers with sum 1 or less')
        self.strategies = [(JointMask(), FrameMask()), (BodyPartMask(),), (TimeWindowMask(),)]
        self.borders = np.cumsum(probs)

    def draw(self, shape: tuple[int, int], skeleton: str, rng: np.random.Generator) -> np.ndarray:
        number = int(np.searchsorted(self.borders, rng.random(), side='right'))
        mask = np.zeros(shape, bool)
        for strategy in self.strategies[number] if number < len(self.strategies) else ():
            mask |= strategy.draw(shape, skeleton, rng)
        return mask

"""Cuts a sequence into windows, and merges window outputs to one sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import InputError, check_choice
from ..geometry.arrays import Array, as_like, namespace


@dataclass(frozen=True)
class Windows:
    """The windows of one sequence of n frames.

    Attributes:
        inputs: (W, length) int64, the frame that each input slot shows.
        outputs: (W, outputs) int64, the frame that each output slot stands
            for; -1 where the slot stands for none (padding).
        weights: (W, outputs) float32, the weight of a slot in its frame; the
            weights of one frame sum to 1, padding has 0.
        n_frames: n.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    weights: np.ndarray
    n_frames: int

    def merge(self, values: Array) -> Array:
        """Merges window outputs to one sequence.

        Args:
            values: (W, outputs, ...) outputs of the windows, numpy or torch.

        Returns:
            (n_frames, ...): for each frame the weighted mean of its slots, 0
            for a frame that no slot stands for (``tail='drop'``).
        """
        xp, frames = namespace(values), self.outputs.clip(min=0).reshape(-1)
        flat = values.reshape((len(frames), *values.shape[2:]))
        weighted = flat * as_like(self.weights.reshape(-1, *[1] * (flat.ndim - 1)), values)
        if xp is np:
            merged = np.zeros((self.n_frames, *flat.shape[1:]), flat.dtype)
            np.add.at(merged, frames, weighted)
            return merged
        merged = flat.new_zeros(self.n_frames, *flat.shape[1:])
        return merged.index_add_(0, xp.from_numpy(frames).to(values.device), weighted)

    def disagreement(self, poses: Array, mirrored: Array | None = None) -> Array:
        """Distances of what was averaged from its mean.

        Args:
            poses: (W, outputs, K, 3) of the windows, numpy or torch.
            mirrored: (W, outputs, K) distance of the mirrored clip's pose from the mean of both; 0 by default.

        Returns:
            (n_frames, K, 2): of the mirrored clip, and of the frame's windows among themselves (root mean square).
        """
        xp = namespace(poses)
        spread = xp.sqrt(xp.clip(self.merge(poses**2) - self.merge(poses) ** 2, 0, None).sum(-1))
        other = xp.zeros_like(spread) if mirrored is None else self.merge(mirrored)
        return xp.stack([other, spread], -1)


@dataclass(frozen=True)
class WindowPolicy:
    """One rule for training, testing, ``lift`` and streaming; the papers' protocols are settings of it.

    A window shows the model ``length`` frames, ``dilation`` apart, and gets ``outputs`` consecutive frames back, the
    first of them ``lead`` input slots after the window's start. Frames outside the sequence repeat its edge.

    Settings of the papers: MixSTE trains with ``(T, tail='centre')`` and tests with ``(T, tail='shift')``; VideoPose3D,
    PoseFormer and P-STMO use ``(T, stride=1, outputs=1)``; MotionBERT ``(243, stride=81, tail='drop')``.

    Attributes:
        length: frames that a window shows.
        stride: frames between the first outputs of neighbouring windows; ``None`` means ``outputs``.
        outputs: frames that a window returns; ``None`` means ``length``.
        dilation: frames between neighbouring input slots.
        lead: input slots before the first output; ``None`` centres the
            outputs. A causal model has ``length - outputs``.
        tail: behaviour when the stride does not end with the sequence:
            ``'shift'`` moves the last window back to end with it, ``'pad'``
            lets it run over the end, ``'centre'`` splits the overhang between
            both ends, ``'drop'`` leaves the rest of the frames out (a sequence
            shorter than a window then has no window).
        merge: weights of the slots that stand for one frame: ``'mean'``, or ``'blend'``, a triangle that fades to a
            window's edges, where a model sees least context.

    Raises:
        InputError: an attribute is out of range.
    """

    length: int
    stride: int | None = None
    outputs: int | None = None
    dilation: int = 1
    lead: int | None = None
    tail: Literal['shift', 'pad', 'centre', 'drop'] = 'shift'
    merge: Literal['mean', 'blend'] = 'blend'

    def __post_init__(self) -> None:
        outputs = self.length if self.outputs is None else self.outputs
        object.__setattr__(self, 'outputs', outputs)
        object.__setattr__(self, 'stride', outputs if self.stride is None else self.stride)
        object.__setattr__(self, 'lead', (self.length - outputs) // 2 if self.lead is None else self.lead)
        for name in ('length', 'stride', 'outputs', 'dilation'):
            if getattr(self, name) < 1:
                raise InputError(f'WindowPolicy: {name} is {getattr(self, name)}, expected 1 or more')
        if not 0 <= self.lead <= self.length - outputs:
            raise InputError(
                f'WindowPolicy: lead is {self.lead} with length {self.length} and outputs {outputs}, '
                f'expected 0 to {self.length - outputs}'
            )
        if self.dilation > 1 and outputs > 1:
            raise InputError('WindowPolicy: dilation above 1 needs outputs=1, since outputs are consecutive frames')
        check_choice('WindowPolicy: tail', self.tail, ('shift', 'pad', 'centre', 'drop'))
        check_choice('WindowPolicy: merge', self.merge, ('mean', 'blend'))

    def starts(self, n_frames: int) -> np.ndarray:
        """First output frame (W,) int64 of every window; the first may be negative with ``tail='centre'``."""
        if n_frames < 1:
            raise InputError(f'a sequence has {n_frames} frames, expected 1 or more')
        beyond = max(n_frames - self.outputs, 0)
        if self.tail == 'drop':
            return np.arange(0, n_frames - self.outputs + 1, self.stride)
        if self.tail == 'centre':
            count = -(-n_frames // self.stride)
            return np.arange(count) * self.stride - (count * self.stride - n_frames) // 2
        starts = np.arange(-(-beyond // self.stride) + 1) * self.stride
        return np.minimum(starts, beyond) if self.tail == 'shift' else starts

    def input_frames(self, starts: np.ndarray, n_frames: np.ndarray | int) -> np.ndarray:
        """Frames that windows show, edges repeated.

        Args:
            starts: (W,) first output frames.
            n_frames: length of the sequence, or (W,) lengths.

        Returns:
            (W, length) int64 in ``[0, n_frames)``.
        """
        slots = (np.arange(self.length) - self.lead) * self.dilation
        last = np.asarray(n_frames)[..., None] - 1
        return np.clip(np.asarray(starts)[:, None] + slots, 0, last)

    def cut_all(self, lengths: Sequence[int], everything: bool = True) -> tuple[list[Windows], np.ndarray]:
        """The windows of each of several sequences, and the frames that all show, (W, length) int64.

        The frames are numbered as if the sequences lay one after the other. With ``everything`` all of them are shown,
        also where ``tail='drop'`` leaves some out.
        """
        policy = replace(self, tail='shift') if everything and self.tail == 'drop' else self
        cuts, starts = [policy.cut(length) for length in lengths], np.cumsum([0, *lengths])
        return cuts, np.concatenate([cut.inputs + start for cut, start in zip(cuts, starts, strict=False)])

    def cut(self, n_frames: int) -> Windows:
        """The windows of a sequence of so many frames."""
        starts = self.starts(n_frames)
        outputs = starts[:, None] + np.arange(self.outputs)
        inside = (outputs >= 0) & (outputs < n_frames)
        slot = np.arange(self.outputs)
        shape = np.minimum(slot + 1, self.outputs - slot) if self.merge == 'blend' else np.ones(self.outputs)
        weights = np.where(inside, shape, 0.0)
        outputs = np.where(inside, outputs, -1)
        totals = np.bincount(outputs[inside], weights[inside], minlength=n_frames)
        weights[inside] /= totals[outputs[inside]]
        return Windows(self.input_frames(starts, n_frames), outputs, weights.astype(np.float32), n_frames)

"""Errors and gaps of 2D detectors, as measured on a film, and parts of the body that are never seen."""

import numpy as np

from ...errors import InputError
from ...registry import TRANSFORMS
from ...skeletons import get_skeleton
from ..clip_batch import ClipBatch
from .base import BatchTransform
from .bodies import Draws

_LIMBS = ((2, 3, 20, 22), (5, 6, 19, 21), (12, 13), (15, 16))  # of body23: outer joints of legs and arms
_SPREAD = np.array(
    [0.8, 0.8, 1.4, 1.1, 0.8, 1.4, 1.1, 0.8, 0.8, 1.0, 0.9, 0.8, 1.2, 1.1, 0.8, 1.2, 1.1, 1, 1, 1.2, 1.2, 1.4, 1.4],
    np.float32,
)
_GROUPS = (
    (3, 6), (2, 3, 5, 6), (2, 3, 5, 6), (0, 1, 2, 3, 4, 5, 6, 7), (1, 2, 3), (2, 3), (5, 6), (3,), (6,), (12, 13),
    (15, 16), (13, 16), (12, 13, 15, 16), (13,), (16,), (9, 10), (8, 9, 10, 11, 12, 13, 14, 15, 16), (2, 3, 15, 16),
    (5, 6, 12, 13), (11, 12, 13), (14, 15, 16),
)  # fmt: skip
_FURTHER = {3: (20, 22), 6: (19, 21), 10: (17, 18)}  # joints of body23 that are missing where another one is


def _spells(draws: np.ndarray, prob: float, n_frames: int) -> np.ndarray:
    """Which frames (..., T) a spell covers, of draws (..., 3): whether there is one, where, and how long."""
    length = n_frames * (0.15 + 0.85 * draws[..., 1:2])
    start = (n_frames + length) * draws[..., 2:3] - length
    frames = np.arange(n_frames)
    return (draws[..., :1] < prob) & (frames >= start) & (frames < start + length)


@TRANSFORMS.register_module()
class DetectorErrors(BatchTransform):
    """Errors of a 2D detector and its scores, of ``h36m17`` or ``body23`` converted from a detector's points.

    Sizes, memory, swaps and scores are those of BlazePose on a film of four calibrated cameras, beside which
    ``benchmarks/detector_residuals.py`` prints these. In units of the person's size, in a view a joint is off by a
    constant 1.2 % along each axis, by a slow part that forgets itself in 0.13 s, and by less from frame to frame; tails
    are long. Limbs behind the body are worse and have low scores; left and right are swapped for a while, at full
    scores. What hides what is known of a body with a surface (``keypoints_hidden``), and drawn for others. Guesses:
    how often a limb is elsewhere, and the two ways of scoring that are not BlazePose's.

    Args:
        strength: range of how much all of it counts; 0.6, 1 and 1.4 are BlazePose's heavy, full and lite.
        outside: fraction of clips whose detector gives no points outside of the picture; others guess them.

    Raises:
        InputError: the strengths are not above 0; leave the transform out for none.
    """

    films = True
    occluded, elsewhere = 0.1, 0.02  # fractions of limbs that are hidden, or put elsewhere, during a spell
    swapped = 0.4  # fraction of clips for each unit of strength above 0.6
    styles = (0.55, 0.35)  # fractions of clips with scores like BlazePose's, and falling with the error; else always 1
    missed = 0.01  # largest fraction of joints and frames

    def __init__(self, strength: tuple[float, float] = (0.3, 2.2), outside: float = 0.5) -> None:
        if not 0 < strength[0] <= strength[1]:
            raise InputError(
                f'DetectorErrors: strength is {strength}, expected two numbers above 0, the smaller one first'
            )
        self.strength, self.outside = strength, outside

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Disturbs ``keypoints`` and sets ``keypoints_visible`` to scores."""
        keypoints, inside = batch.arrays['keypoints'], batch.arrays['keypoints_visible'] > 0
        n_frames, draw = keypoints.shape[1], Draws(batch)
        draws, limbs = draw(10), draw(len(_LIMBS), 7)
        size = np.median(np.ptp(keypoints, axis=2).max(-1), axis=1)
        low, high = self.strength
        strength = low * (high / low) ** draw(1, 1, 1)
        error, hidden = strength * self._errors(draw, *inside.shape[1:]), np.zeros(inside.shape, bool)
        covered = batch.arrays.pop('keypoints_hidden', None)
        if covered is not None:
            hidden = covered > 0
            error *= np.where(hidden, 1 + 2.5 * draw(1, inside.shape[2]), 1)[..., None]
        for i, limb in enumerate(_LIMBS):
            joints = [joint for joint in limb if joint < inside.shape[2]]
            behind = _spells(limbs[:, i, :3], self.occluded * (covered is None), n_frames)[..., None]
            away = _spells(limbs[:, i, 3:6], self.elsewhere, n_frames)[..., None, None]
            place = 0.1 * draw(1, len(joints), 2, normal=True)
            error[:, :, joints] = error[:, :, joints] * np.where(behind, 1 + 2.5 * limbs[:, i, 6:, None], 1)[..., None]
            error[:, :, joints] += away * place
            hidden[:, :, joints] |= behind
        error = np.where(inside[..., None], error, 3 * error)
        scores = self._scores(draw, error, hidden | ~inside, draws)
        gone = draw(n_frames, inside.shape[2] + 1) < self.missed * draws[:, :1, None]
        gone = gone[..., :-1] | gone[..., -1:] | (~inside & (draws[:, 1, None, None] < self.outside))
        gone |= batch.arrays.pop('landmarks_absent', np.zeros(inside.shape[::2]))[:, None] > 0
        moved = keypoints + error * size[:, None, None, None]
        often = self.swapped * (strength[:, :1, :1, 0] - 0.6).clip(0, 0.8)
        moved, scores = self._swap(moved, np.where(gone, 0, scores), draws[:, 2:6], often)
        batch.arrays['keypoints'], batch.arrays['keypoints_visible'] = _derived(moved, scores)
        return batch

    def _errors(self, draw: Draws, n_frames: int, joints: int) -> np.ndarray:
        """Errors (B, T, J, 2) at strength 1, in units of the person's size."""
        keys = draw(n_frames // 5 + 3, joints, 2, normal=True)
        keys *= np.exp(0.6 * draw(n_frames // 5 + 3, joints, 1, normal=True) - 0.35)
        where = np.arange(n_frames) / 5
        lower, fraction = where.astype(int), (where % 1).astype(np.float32)[:, None, None]
        slow = keys[:, lower] * (1 - fraction) + keys[:, lower + 1] * fraction
        constant, quick = draw(1, joints, 2, normal=True), draw(n_frames, joints, 2, normal=True)
        return (0.0085 * constant + 0.012 * slow + 0.004 * quick) * _SPREAD[:joints, None]

    def _scores(self, draw: Draws, error: np.ndarray, hidden: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Scores (B, T, J): near 1 but for what is hidden, or falling with the error, or 1 throughout."""
        noise, style = draw(*error.shape[1:3], normal=True), draws[:, 6, None, None]
        distance = np.linalg.norm(error, axis=-1)
        seen = 1 - (0.01 + 1.4 * distance) * np.abs(noise)
        sure = np.where(hidden, 0.98 - 0.9 * draws[:, 7, None, None] ** 3 - 0.1 * np.abs(noise), seen)
        falling = (0.95 - 0.15 * hidden) * np.exp(-distance / 0.06) + 0.04 * noise
        known, rest = self.styles
        less = np.where(draws[:, 8, None, None] < 0.4, 0.5 + 0.5 * draws[:, 9, None, None], 1)
        return np.where(style < known, sure, less * np.where(style < known + rest, falling, 1)).clip(0.02, 1)

    @staticmethod
    def _swap(moved: np.ndarray, scores: np.ndarray, draws: np.ndarray, often: np.ndarray) -> list[np.ndarray]:
        """Left for right during a spell: of legs, arms or both."""
        swap = _spells(draws[:, :3], often[:, 0], moved.shape[1])[..., None]
        joints = np.arange(moved.shape[2])
        order, kind = get_skeleton('body23').flip_indices[joints], draws[:, 3, None, None]
        swap = swap & np.where((joints < 8) | (joints > 18), kind < 0.85, kind > 0.15)
        return [np.where(swap[..., None], moved[:, :, order], moved), np.where(swap, scores[:, :, order], scores)]


@TRANSFORMS.register_module()
class MissingParts(BatchTransform):
    """Hides a part of the body for the whole clip, or a spell: legs, ankles, an arm, the head, single joints.

    Args:
        prob: fraction of clips.
    """

    films = True

    def __init__(self, prob: float = 0.3) -> None:
        self.prob = prob

    def transform_batch(self, batch: ClipBatch) -> ClipBatch:
        """Sets ``keypoints_visible`` to 0."""
        draws, visible = Draws(batch)(6), batch.arrays['keypoints_visible']
        parts = np.zeros((len(batch), visible.shape[2]), bool)
        for row, pick in enumerate((draws[:, 0] * len(_GROUPS)).astype(int)):
            parts[row, list(_GROUPS[pick])] = True
        for joint, further in _FURTHER.items() if visible.shape[2] > 17 else ():
            parts[:, further] |= parts[:, [joint]]
        parts[:, 17:] |= (draws[:, 5] < 0.5)[:, None]
        spells = _spells(draws[:, 1:4], self.prob, visible.shape[1]) | (draws[:, 4] < 0.6 * self.prob)[:, None]
        hidden = np.where(draws[:, 1, None] < self.prob, spells, False)[..., None] & parts[:, None]
        keypoints, scores = _derived(batch.arrays['keypoints'], np.where(hidden, 0, visible))
        batch.arrays['keypoints'], batch.arrays['keypoints_visible'] = keypoints, scores
        return batch


def _derived(keypoints: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pelvis, spine and thorax as conversion makes them up from hips and shoulders."""
    keypoints, scores = keypoints.astype(np.float32), scores.astype(np.float32)
    for joint, parts in ((0, [1, 4]), (8, [11, 14]), (7, [1, 4, 11, 14])):
        keypoints[:, :, joint] = keypoints[:, :, parts].mean(2)
        low = scores[:, :, parts].min(-1)
        scores[:, :, joint] = np.where(low > 0, scores[:, :, parts].mean(-1) if joint == 7 else low, 0)
    return keypoints, scores

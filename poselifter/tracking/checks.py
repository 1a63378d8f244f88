"""Checks of 2D tracks before they are lifted: sides that swap, joints in another order, persons upside down."""

from dataclasses import replace

import numpy as np

from ..skeletons import get_skeleton
from ..structures import KeypointTable
from .link import cut_jumps, person_size

_SWITCH = 0.04  # what a change of sides costs, in sizes of the person: less than that is motion or noise
_SWAPPED = 0.4  # what a second of exchanged frames costs
_HARDLY = 0.1  # the same, where the question is whether anything but this cost decides
_LONGEST = 0.25  # seconds over which three frames are compared
_SPELL = 0.3  # seconds; longer, what looks like a swap is as often a turn of the body
_BLENDED = 0.75, 0.85  # of the lengths in two frames before and after, of all pairs, and of hips or shoulders
_BESIDE = 0.1  # seconds from a swap to the frames that lie between both sides
_TOO_OFTEN = 0.25  # fraction of frames: with more it cannot be told which side is which
_TANGLED = 0.8  # mean length of bones in mean distances of joints; bodies have about a half
_LEGS = {'hip', 'knee', 'ankle', 'heel', 'foot', 'toe', 'bigtoe', 'smalltoe'}
_LIMBS = {'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'}


def mend_tracks(table: KeypointTable) -> KeypointTable:
    """Tracks without jumps to other persons and without swapped sides, with a note on each thing mended or doubtful."""
    table = mend_sides(cut_jumps(table))
    return replace(table, notes=(*table.notes, *_doubts(table)))


def mend_sides(table: KeypointTable) -> KeypointTable:
    """Puts left and right back where a detector takes one for the other in some frames.

    A swap shows as a jump that vanishes when the sides are exchanged: the vectors from each right joint to its left one
    turn round between two frames. The frames are found that have to be exchanged so that the speed of these vectors
    changes least (Viterbi), where each exchanged frame costs something too: of two ways to put a clip right the one
    with fewer is taken, and a person whose sides are swapped for 0.3 s, or in a quarter of the frames, stays so.
    Legs, and arms with shoulders and head, are mended for themselves, since detectors swap them so.

    A detector that smooths (BlazePose) shows both sides near each other in the frame of a swap. Such frames say nothing
    of sides, so they are left out; beside swaps, their pairs get the vectors of the frames around, about their middles.

    Returns:
        The table with exchanged joints and a note for each track, or ``table`` itself.
    """
    names = get_skeleton(table.skeleton).joint_names if table.skeleton else ()
    if len(names) != table.keypoints.shape[1]:
        return table
    order = np.array(get_skeleton(table.skeleton).flip_indices)
    points, visible, notes = table.keypoints.copy(), table.keypoints_visible.copy(), []
    times, frames = table.seconds(), table.frame_indices
    words = [set(name.split('_')) for name in names]
    parts = {}
    for part in ('legs', 'arms'):
        sides = [i for i in range(len(names)) if i < order[i] and bool(words[i] & _LEGS) == (part == 'legs')]
        if limbs := [i for i in sides if words[i] & _LIMBS]:
            parts[part] = np.array(sides), limbs
    for track, rows in table.tracks() if parts else ():
        seen = visible[rows] > 0
        found = {part: _found(points[rows], seen, times[rows], limbs, order) for part, (_, limbs) in parts.items()}
        exchanged, blended, doubtful = zip(*found.values(), strict=True)
        certain = times[rows][np.any(exchanged, 0) | np.all(blended, 0)]
        for part, (swapped, between, _) in found.items():
            if min(doubtful) > _TOO_OFTEN or swapped.mean() > _TOO_OFTEN:
                notes.append(f'track {track}: left and right {part} swap so often that they cannot be put back')
                continue
            sides = parts[part][0]
            pairs = np.r_[sides, order[sides]]
            for array in (points, visible):
                array[rows][np.ix_(swapped, pairs)] = array[rows][np.ix_(swapped, order[pairs])]
            between[between] = _near(times[rows][between], certain)
            _part(points[rows], visible[rows] > 0, times[rows], between, sides, order)
            swapped |= between
            if swapped.any():
                listed = _listed(frames[rows][swapped])
                notes.append(f'track {track}: left and right {part} swap in {listed}; they are put back')
    if not notes:
        return table
    return replace(table, keypoints=points, keypoints_visible=visible, notes=(*table.notes, *notes))


def _found(
    points: np.ndarray, seen: np.ndarray, times: np.ndarray, left: list[int], order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Frames (n,) of one person that have to be exchanged, those between both sides, and see `_swapped`."""
    across = np.nan_to_num(points[:, left] - points[:, order[left]]).astype(np.float64)
    across /= np.median(person_size(points, seen))
    both, swapped = seen[:, left] & seen[:, order[left]], np.zeros(len(points), bool)
    blended = _blended(np.linalg.norm(across, axis=-1) * both, times)
    swapped[~blended], doubtful = _swapped(across[~blended], both[~blended], times[~blended])
    return swapped, blended, doubtful


def _near(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) bool, which times lie beside one of some others; both ascend."""
    others = np.r_[-np.inf, others, np.inf]
    after = np.searchsorted(others, times)
    return np.minimum(times - others[after - 1], others[after] - times) < _BESIDE


def _blended(lengths: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n,) bool, frames in which the distances (n, P) of left and right shrink together, as no body moves."""
    root = lengths.mean(0).argmin()  # hips or shoulders, which do not cross
    lengths = np.stack([np.linalg.norm(lengths, axis=1), lengths[:, root]], 1) * (lengths > 0).all(1)[:, None]
    before, after = np.maximum(lengths[:-4], lengths[1:-3]), np.maximum(lengths[3:-1], lengths[4:])
    shrunk = ((lengths[2:-2] < _BLENDED * np.minimum(before, after)) & (lengths[2:-2] > 0)).all(1)
    return np.pad(shrunk & (times[4:] - times[:-4] < _LONGEST), 2)[: len(times)]


def _part(
    points: np.ndarray, seen: np.ndarray, times: np.ndarray, between: np.ndarray, left: np.ndarray, order: np.ndarray
) -> None:
    """Moves left and right of some frames apart about their middles, as far as in the frames around; in place."""
    rows, good = np.flatnonzero(between), np.flatnonzero(~between)
    after = np.searchsorted(good, rows)
    ends = np.stack([good[after - 1], good[after]])
    sides = np.stack([left, order[left]])
    shares = (times[rows] - times[ends[0]]) / (times[ends[1]] - times[ends[0]]).clip(min=1e-9)
    half = (points[:, sides[0]] - points[:, sides[1]]) / 2
    half = half[ends[0]] + shares[:, None, None] * (half[ends[1]] - half[ends[0]])
    middle = points[rows][:, sides].mean(1)
    known = seen[np.concatenate([ends, rows[None]])][:, :, sides].all((0, 2))[..., None]
    for side, sign in zip(sides, (1, -1), strict=True):
        points[np.ix_(rows, side)] = np.where(known, middle + sign * half, points[np.ix_(rows, side)])


def _swapped(across: np.ndarray, both: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, float]:
    """(n,) bool, frames that have to be exchanged, and their fraction if nothing but the motion decided."""
    if len(across) < 3:
        return np.zeros(len(across), bool), 0.0
    both = both[2:] & both[1:-1] & both[:-2]
    near = (times[2:] - times[:-2] < _LONGEST)[:, None] & both
    first, second = np.diff(times)[:-1], np.diff(times)[1:]
    share = (2 * first / (first + second).clip(min=1e-9))[:, None, None]  # 1 for frames that follow each other evenly
    costs = np.zeros((len(near), 2, 2, 2))  # of three frames, each as it is or exchanged
    for a, b, c in np.ndindex(2, 2, 2):
        one, two, three = (-1) ** a * across[:-2], (-1) ** b * across[1:-1], (-1) ** c * across[2:]
        change = share * (three - two) - (2 - share) * (two - one)
        costs[:, a, b, c] = (np.linalg.norm(change, axis=-1) * near).sum(1) / both.sum(1).clip(1) + _SWITCH * (b != c)
    if not (costs[:, 0, 0, 0] > costs.min((1, 2, 3)) + _SWITCH).any():
        return np.zeros(len(across), bool), 0.0
    seconds = second[:, None, None].clip(max=_LONGEST)
    costs[..., 1] += _HARDLY * seconds
    doubtful = _cheapest(costs).mean()
    costs[..., 1] += (_SWAPPED - _HARDLY) * seconds
    swapped = _cheapest(costs)
    for start, stop in np.flatnonzero(np.diff(np.r_[False, swapped, False])).reshape(-1, 2):
        swapped[start:stop] &= times[stop - 1] - times[start] < _SPELL
    return swapped, max(doubtful, swapped.mean())


def _cheapest(costs: np.ndarray) -> np.ndarray:
    """(n,) bool, the frames exchanged on the cheapest way (Viterbi over two frames); costs (n - 2, 2, 2, 2)."""
    total, back = np.array([[0.0, _SWITCH], [_SWITCH, 0.0]]), np.zeros((len(costs), 2, 2), np.int8)
    for frame, cost in enumerate(costs):
        ways = total[:, :, None] + cost
        back[frame] = ways.argmin(0)
        total = ways.min(0)
    swapped = np.zeros(len(costs) + 2, bool)
    before, now = np.unravel_index(total.argmin(), (2, 2))
    for frame in range(len(costs) - 1, -1, -1):
        swapped[frame + 2] = now
        before, now = back[frame, before, now], before
    swapped[:2] = before, now
    return swapped


def _listed(frames: np.ndarray) -> str:
    """Frames in words, the first spells of them: ``5 frames (3-6, 9)``."""
    spells = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    words = [f'{s[0]}-{s[-1]}' if len(s) > 1 else f'{s[0]}' for s in spells[:5]]
    number = f'{len(frames)} frame{"s" * (len(frames) > 1)}'
    return f'{number} ({", ".join(words)}{", ..." if len(spells) > 5 else ""})'


def _doubts(table: KeypointTable) -> list[str]:
    """Lines on tracks whose joints seem to be in another order, or whose persons stand on their heads."""
    skeleton = get_skeleton(table.skeleton) if table.skeleton else None
    if skeleton is None or len(skeleton.joint_names) != table.keypoints.shape[1]:
        return []
    rows = np.flatnonzero((table.keypoints_visible > 0).all(1))
    rows = rows[:: len(rows) // 500 + 1]
    points, doubts = table.keypoints[rows].astype(np.float64), []
    ends = np.array(skeleton.edges or skeleton.bones)
    if len(rows) and len(ends):
        bones = np.linalg.norm(points[:, ends[:, 0]] - points[:, ends[:, 1]], axis=-1).mean()
        pairs = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
        if bones > _TANGLED * pairs[:, ~np.eye(len(skeleton.joint_names), dtype=bool)].mean():
            doubts.append(
                f'neighbouring joints of {skeleton.name} lie as far apart as any two: another order of joints?'
            )
    heads = [i for i, name in enumerate(skeleton.joint_names) if name in ('nose', 'head_top', 'head')]
    feet = [i for i, name in enumerate(skeleton.joint_names) if name.endswith('ankle')]
    if len(rows) and heads and feet:
        upside = (points[:, heads, 1].mean(1) > points[:, feet, 1].mean(1)).mean()
        if upside > 0.8:
            doubts.append(f'heads lie below feet in {upside:.0%} of the rows: y has to point down')
    return doubts

"""Feet on the ground: when they stand, where they are held, and legs that follow."""

import numpy as np

MAX_SPEED = 0.6  # m/s of a foot that stands; of lifted poses it still moves
MAX_HEIGHT = 0.15  # metres above where it usually stands
_MAX_STEP = 0.1  # metres above the other foot
_BLUR = 1 / 30  # seconds over which the place of a foot is averaged before its speed is taken
_SHORTEST, _BREAK = 0.1, 0.07  # seconds; of contacts, and of pauses within one
_LEVEL = 0.4  # metres between heights of standing feet that are two levels
_STAY = 0.3  # seconds; who is at rest for less, at the top of a jump, does not stand
_STRAIGHT = 0.9999  # of a leg's length, up to which it reaches


def foot_speed(feet: np.ndarray, fps: float) -> np.ndarray:
    """Speeds (T, F) in m/s of feet (T, F, 3), after a light average over time that spares ends."""
    if len(feet) < 2:
        return np.zeros(feet.shape[:2])
    from scipy.ndimage import gaussian_filter1d

    return np.linalg.norm(np.gradient(gaussian_filter1d(feet, _BLUR * fps, axis=0), axis=0), axis=-1) * fps


def standing_levels(feet: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """The heights at which a person stands: the ground, and perhaps a roof or a stage.

    Heights of slow feet, the lower of both, that lie within 0.4 m of each other are one level. A level of its own is
    one on which the person stands for 0.3 s at a time; where there is none, all slow feet are one.

    Args:
        feet: (T, 2, 3) of one person, z up, metres.
        fps: frames a second.

    Returns:
        Heights (L,) in metres, rising; seconds (L,) on each. Of who nearly never stands it is the lowest places.
    """
    height = feet[..., 2]
    slow = (foot_speed(feet, fps) < MAX_SPEED) & (height < height.min(1, keepdims=True) + _MAX_STEP)
    if slow.any(1).sum() < _SHORTEST * fps:
        return np.quantile(height.min(1), [0.1]), slow.any(1).sum(keepdims=True) / fps
    heights = np.sort(height[slow])
    bounds = (heights[1:] + heights[:-1])[np.diff(heights) > _LEVEL] / 2
    ranges = zip([-np.inf, *bounds], [*bounds, np.inf], strict=True)
    groups = [slow & (height > low) & (height < high) for low, high in ranges]
    groups = [group for group in groups if _longest(group.any(1)) >= _STAY * fps] or [slow]
    seconds = [group.any(1).sum() / fps for group in groups]
    return np.array([np.median(height[group]) for group in groups]), np.array(seconds)


def level_below(feet: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Of several heights (L,) the one (T,) nearest to the lower foot of (T, 2, 3)."""
    return levels[np.abs(feet[..., 2].min(1)[:, None] - levels).argmin(1)]


def find_contacts(feet: np.ndarray, fps: float, levels: np.ndarray | float = 0.0) -> np.ndarray:
    """When feet stand: low, slow, and for a while.

    Args:
        feet: (T, 2, 3) metres, z up.
        fps: frames a second.
        levels: height at which they stand, or (T,) such.

    Returns:
        (T, 2) bool.
    """
    height = feet[..., 2] - np.broadcast_to(levels, len(feet))[:, None]
    low = (height < MAX_HEIGHT) & (height < height.min(1, keepdims=True) + _MAX_STEP)
    contacts = low & (foot_speed(feet, fps) < MAX_SPEED)
    contacts = ~_without_short(~contacts, _BREAK * fps)
    return _without_short(contacts, _SHORTEST * fps)


def hold_feet(feet: np.ndarray, contacts: np.ndarray, levels: np.ndarray | float = 0.0) -> np.ndarray:
    """Feet of which those in contact are held at one place each, their mean one on a level; swings between move along.

    Args:
        feet: (T, F, 3) metres, z up, 0 where they stand on the ground.
        contacts: (T, F) bool.
        levels: (T,) z of feet in contact, where they stand on something else.

    Returns:
        (T, F, 3): equal within a contact, never below 0.
    """
    levels = np.broadcast_to(levels, len(feet))
    held, frames = feet.copy(), np.arange(len(feet))
    for foot, stands in enumerate(contacts.T):
        if stands.any():
            number = _runs(stands[:, None])[stands, 0]
            _, number = np.unique(number, return_inverse=True)
            count = np.bincount(number)
            place = np.stack([np.bincount(number, feet[stands, foot, axis]) / count for axis in (0, 1)], -1)
            offset = np.c_[place[number], levels[stands]] - feet[stands, foot]
            held[:, foot] += np.stack([np.interp(frames, frames[stands], offset[:, axis]) for axis in range(3)], -1)
    held[..., 2] = np.where(contacts, levels[:, None], np.maximum(held[..., 2], 0))
    return held


def bend_legs(hips: np.ndarray, knees: np.ndarray, ankles: np.ndarray, targets: np.ndarray, front: np.ndarray):
    """Legs of the same lengths that end at other places: two bones in the plane in which the knee was.

    Args:
        hips: (..., 3); knees and ankles likewise.
        targets: (..., 3) for the ankles.
        front: (..., 3) unit vectors, to which a straight leg bends.

    Returns:
        knees and ankles (..., 3). A leg that is too short reaches as far as it can.
    """
    thigh, shin = (np.linalg.norm(b - a, axis=-1, keepdims=True) for a, b in ((hips, knees), (knees, ankles)))
    away = targets - hips
    distance = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)
    along = away / distance
    distance = np.clip(distance, np.abs(thigh - shin) + 1e-6, (thigh + shin) * _STRAIGHT)
    side = knees - hips + 0.02 * thigh * front
    side = side - (side * along).sum(-1, keepdims=True) * along
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    reach = (thigh**2 - shin**2 + distance**2) / (2 * distance)
    bent = np.sqrt(np.maximum(thigh**2 - reach**2, 0))
    return hips + reach * along + bent * side, hips + distance * along


def bone_lengths(poses: np.ndarray, parents: tuple[int, ...], pairs: tuple[tuple[int, int], ...] = ()) -> np.ndarray:
    """Median lengths (K,) of the bones that end at the joints of poses (T, K, 3) of one person; 0 at the root.

    Args:
        poses: NaN is a joint that is not known.
        parents: K indices, -1 at the root.
        pairs: left and right joints whose bones get the same length.
    """
    lengths = np.linalg.norm(poses - poses[:, np.maximum(parents, 0)], axis=-1)
    known = np.isfinite(lengths).any(0)
    usual = np.zeros(len(parents))
    usual[known] = np.nanmedian(lengths[:, known], axis=0)
    usual[np.array(parents) < 0] = 0
    for left, right in pairs:
        usual[left] = usual[right] = (usual[left] + usual[right]) / 2
    return usual


def constant_bones(poses: np.ndarray, parents: tuple[int, ...], lengths: np.ndarray) -> np.ndarray:
    """Poses (T, K, 3) with bones of lengths (K,); directions and the root stay as they were.

    A joint whose parent is not known (NaN) stays where it is.
    """
    moved = poses.copy()
    for j in sorted((j for j, parent in enumerate(parents) if parent >= 0), key=lambda j: _depth(parents, j)):
        bone = poses[:, j] - poses[:, parents[j]]
        scale = lengths[j] / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9)
        placed = moved[:, parents[j]] + bone * scale
        moved[:, j] = np.where(np.isfinite(placed), placed, poses[:, j])
    return moved


def _depth(parents: tuple[int, ...], joint: int) -> int:
    return 0 if parents[joint] < 0 else 1 + _depth(parents, parents[joint])


def _runs(flags: np.ndarray) -> np.ndarray:
    """Numbers of the runs of equal values along the first axis of (T, F) flags."""
    return np.cumsum(np.r_[np.zeros((1, flags.shape[1]), int), np.diff(flags.astype(int), axis=0) != 0], axis=0)


def _longest(flags: np.ndarray) -> int:
    """Length of the longest run of True in (T,) flags."""
    return int(np.bincount(_runs(flags[:, None])[flags, 0]).max(initial=0))


def _without_short(flags: np.ndarray, shortest: float) -> np.ndarray:
    """Flags (T, F) without runs of True that are shorter than so many frames; those at the ends stay."""
    kept = flags.copy()
    for column, runs in zip(kept.T, _runs(flags).T, strict=True):
        short = np.bincount(runs) < shortest
        short[[0, -1]] = False
        column &= ~short[runs]
    return kept

"""Square regions of a picture around persons: cutting them out, and the anchors and boxes that find them.

A region is (x, y, side, angle): centre and side in pixels of the picture, and the angle in radians by which its upward
direction is turned clockwise from the picture's. Coordinates are those of pixels' corners: the first pixel's centre is
at 0.5. Facts of the networks: Bazarevsky et al., BlazePose: On-device Real-time Body Pose tracking, 2020.
"""

import numpy as np

STRIDES = (8, 16, 32, 32, 32)  # of the detector's layers; two anchors a cell and layer
ENLARGED = 1.25  # side of the region by the diameter of the circle around the person
TILE = 0.7  # side of the squares in which small persons are looked for, by the picture's shorter side
SIDE = 224  # pixels of the detector's picture
NEAR = 0.15  # distance of two persons' hips, by the side of the region, below which they are one


def make_anchors() -> np.ndarray:
    """(2254, 2) centres of the detector's anchors in [0, 1]; layers of one stride come together, cell by cell."""
    parts = []
    for stride in sorted(set(STRIDES)):
        n = SIDE // stride
        y, x = np.divmod(np.arange(n * n), n)
        centres = (np.stack([x, y], -1) + 0.5) / n
        parts.append(np.repeat(centres, 2 * STRIDES.count(stride), 0))
    return np.concatenate(parts)


def region_of(hips: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Region (..., 4) around persons, of the middle of the hips and the top of the circle around them, (..., 2)."""
    x, y = np.moveaxis(top - hips, -1, 0)
    side = 2 * ENLARGED * np.hypot(x, y)
    return np.concatenate([hips, side[..., None], np.arctan2(x, -y)[..., None]], -1)


def turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Turns (..., 2 or more) by an angle from x to y in the first two coordinates."""
    c, s = np.cos(angle), np.sin(angle)
    turned = points.copy()
    turned[..., :2] = points[..., :2] @ np.array([[c, s], [-s, c]])
    return turned


def to_picture(points: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Points (..., 2) of a region, in [0, 1], as pixels of the picture."""
    return turn((points - 0.5) * region[2], region[3]) + region[:2]


def cut(image: np.ndarray, region: np.ndarray, size: int) -> np.ndarray:
    """Samples a region bilinearly.

    Args:
        image: (H, W, 3) uint8.
        region: (4,).
        size: side of the result in pixels.

    Returns:
        (size, size, 3) uint8, 0 outside of the picture.
    """
    import cv2  # comes with mmengine; ten times as fast as indexing with numpy

    corner, right, below = to_picture(np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]]) / size, region)
    matrix = np.stack([right - corner, below - corner, corner - 0.5], 1)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def tiles_of(img_shape: tuple[int, int]) -> list[np.ndarray]:
    """Square regions in which the detector looks.

    The whole picture, then squares of 0.7 of its shorter side, for persons who are small in it: these find the two
    of a wide outdoor film in all pictures, where squares of the shorter side miss one of them in a quarter.
    """
    h, w = img_shape
    side = TILE * min(h, w)
    rows, columns = (np.linspace(side / 2, n - side / 2, int(np.ceil((n - side) / (0.6 * side))) + 1) for n in (h, w))
    tiles = [np.array([x, y, side, 0.0]) for y in rows for x in columns]
    return [np.array([w / 2, h / 2, max(h, w), 0.0]), *tiles]


def pick_best(scores: np.ndarray, regions: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Joins candidates on one person: non-maximum suppression, weighted by the scores.

    Args:
        scores: (P,).
        regions: (P, 4).
        near: distance of the hips, by the side of the region, below which two are one.

    Returns:
        Regions of persons, best first.
    """
    left, picked = np.argsort(-scores, kind='stable'), []
    while len(left):
        best = regions[left[0]]
        same = np.linalg.norm(regions[left, :2] - best[:2], axis=-1) < near * best[2]
        group, weights = regions[left[same]], scores[left[same]]
        turned = (group[:, 3] - best[3] + np.pi) % (2 * np.pi) - np.pi  # angles near the best one's
        group = np.concatenate([group[:, :3], best[3] + turned[:, None]], 1)
        picked.append(weights @ group / weights.sum())
        left = left[~same]
    return np.array(picked).reshape(-1, 4)

"""Brushes on an RGB array: limbs, joints, rounded panels, text."""

from functools import lru_cache

import cv2
import numpy as np
from PIL import ImageFont

from .styles import mix

_BITS = 4  # OpenCV takes positions in 1/16 pixel
WHITE = (255, 255, 255)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(point, -30000, 30000)  # beyond that OpenCV's fixed-point lines overflow
    return round(float(x) * (1 << _BITS)), round(float(y) * (1 << _BITS))


def line(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, colour: tuple | int, width: float) -> None:
    """Draws a smooth line with round ends on ``canvas`` (h, w, 3 or none); positions in pixels."""
    cv2.line(canvas, _fixed(start), _fixed(end), colour, max(round(width), 1), cv2.LINE_AA, _BITS)


def disc(canvas: np.ndarray, centre: np.ndarray, radius: float, colour: tuple | int) -> None:
    """Draws a smooth filled circle on ``canvas``; position and radius in pixels."""
    cv2.circle(canvas, _fixed(centre), round(radius * (1 << _BITS)), colour, -1, cv2.LINE_AA, _BITS)


def limb(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, colour: tuple, width: float, halo: tuple) -> None:
    """Draws a rounded limb: a rim in the colour of what lies behind, the body, and a light along its upper left."""
    shift = np.array([-0.14, -0.18]) * width
    line(canvas, start, end, halo, width * 1.45)
    line(canvas, start, end, mix(colour, (0, 0, 0), 0.1), width)
    line(canvas, start + shift * 0.4, end + shift * 0.4, colour, width * 0.72)
    line(canvas, start + shift, end + shift, mix(colour, WHITE, 0.28), width * 0.26)


def joint(canvas: np.ndarray, centre: np.ndarray, colour: tuple, radius: float) -> None:
    """Draws a joint as a small lit ball."""
    disc(canvas, centre, radius, mix(colour, (0, 0, 0), 0.14))
    disc(canvas, centre - radius * 0.08, radius * 0.84, mix(colour, WHITE, 0.08))
    disc(canvas, centre - radius * 0.26, radius * 0.36, mix(colour, WHITE, 0.55))


def round_corners(image: np.ndarray, radius: int, colour: tuple) -> None:
    """Fills what lies outside rounded corners of ``image`` (h, w, 3) with ``colour``."""
    fine = 4
    cover = np.zeros((radius * fine, radius * fine), np.uint8)
    disc(cover, np.full(2, radius * fine - 0.5), radius * fine, 255)
    cover = cv2.resize(cover, (radius, radius), interpolation=cv2.INTER_AREA)[..., None] / 255
    for corner in (image, image[::-1], image[:, ::-1], image[::-1, ::-1]):
        patch = corner[:radius, :radius]
        patch[:] = (patch * cover + np.array(colour) * (1 - cover)).round()


@lru_cache(maxsize=512)
def _glyphs(text: str, size: int) -> tuple[np.ndarray, int]:
    mask, (_, top) = ImageFont.load_default(size).getmask2(text, mode='L')
    return np.asarray(mask, np.float32).reshape(mask.size[::-1])[..., None] / 255, top


def write(canvas: np.ndarray, text: str, place: tuple[int, int], size: int, colour: tuple) -> int:
    """Writes text with its upper left corner at ``place`` (x, y) and returns its width in pixels."""
    glyphs, top = _glyphs(text, size)
    x, y = place[0], place[1] + top
    target = canvas[y : y + glyphs.shape[0], x : x + glyphs.shape[1]]
    glyphs = glyphs[: target.shape[0], : target.shape[1]]
    target[:] = (np.array(colour) * glyphs + target * (1 - glyphs)).round().astype(np.uint8)
    return glyphs.shape[1]

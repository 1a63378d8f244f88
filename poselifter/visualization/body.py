"""A body's surface, drawn on the CPU; needs no GPU or display."""

import cv2
import numpy as np

from ..geometry import vertex_normals
from .drawing import WHITE
from .panels import COLOURS, FloorPanel

_LIGHT = np.array([-0.35, 0.55, 0.76])  # from the upper left, in the view's axes
_BITS = 4  # OpenCV takes positions in 1/16 pixel


class BodyPanel(FloorPanel):
    """Draws a surface: far faces first, so that near ones hide them.

    Args:
        vertices: (T, V, 3), see :class:`FloorPanel`.
        faces: (F, 3), corners counter-clockwise as seen from outside.
        size: (width, height) of the panel in pixels.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> None:
        super().__init__(vertices, size)
        self.faces = faces

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        canvas, vertices = self.background.copy(), self.poses[frame]
        self.cast_shadow(canvas, vertices)
        pixels, size = self.project(vertices)
        a, b, c = np.moveaxis(pixels[self.faces], 1, 0)
        front = np.flatnonzero((b - a)[:, 0] * (c - a)[:, 1] < (b - a)[:, 1] * (c - a)[:, 0])  # y of pixels goes down
        front = front[np.argsort(size[self.faces[front]].sum(1))]
        normals = vertex_normals(vertices, self.faces)[self.faces[front]].mean(1) @ self.rotation.T
        light = np.clip(normals @ _LIGHT, 0, 1)[:, None]
        colours = np.array(COLOURS['body']) * (0.5 + 0.62 * light) + np.array(WHITE) * 0.12 * light**8
        corners = np.round(pixels[self.faces[front]].clip(-30000, 30000) * (1 << _BITS)).astype(np.int32)
        for corner, colour in zip(corners, colours.clip(0, 255).tolist(), strict=True):
            cv2.fillConvexPoly(canvas, corner, colour, cv2.LINE_8, _BITS)
        return canvas

    def mark_shadow(self, shadow: np.ndarray, pixels: np.ndarray, size: np.ndarray) -> float:
        """The vertices', see :class:`FloorPanel`."""
        x, y = pixels.astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < shadow.shape[1]) & (y < shadow.shape[0])
        shadow[y[inside], x[inside]] = 255
        width = max(int(0.03 * size.mean()), 1)
        shadow[:] = cv2.dilate(shadow, np.ones((width, width), np.uint8))
        return 0.02

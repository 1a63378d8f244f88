"""Views of a clip: keypoints on their canvas, and the figure over a floor."""

from abc import ABC, abstractmethod
from typing import Any

import cv2
import numpy as np

from ..geometry import axis_angle_to_matrix
from ..skeletons import Skeleton, get_skeleton
from ..structures import KeypointTable
from .drawing import disc, joint, limb, line, round_corners
from .sizes import limb_radius, usual_range
from .styles import THEMES, edge_sides, mix, rgb

Size = tuple[int, int]  # width, height in pixels
COLOURS = {name: rgb(value) for name, value in THEMES['light'].items()}
_CELL = 0.5  # metres between two lines of the floor
_COARSE = 4  # a blurred shadow needs no more pixels


def to_y_up(points: np.ndarray) -> np.ndarray:
    """Turns points (..., 3) from camera axes (x right, y down, z forward) to viewer axes (y up, z back), or back."""
    return points * np.array([1, -1, -1], points.dtype)


class Panel(ABC):
    """A white card with rounded corners.

    Args:
        size: (width, height) of the panel in pixels.

    Attributes:
        caption: to be written below the panel.
    """

    caption = ''

    def __init__(self, size: Size) -> None:
        self.background = np.full((size[1], size[0], 3), COLOURS['panel'], np.uint8)

    def dress(self, skeleton: Skeleton, points: int) -> None:
        """Takes the edges of a joint set, and the colours of edges and joints, for all persons who have ``points``."""
        first = range(0, points, skeleton.num_joints)
        self.joints = skeleton.num_joints
        self.edges = [(a + start, b + start) for start in first for a, b in skeleton.edges]
        self.colours = [COLOURS[side] for side in edge_sides(skeleton)] * len(first)
        self.joint_colours = [COLOURS[side] for side in skeleton.sides] * len(first)

    def finish(self) -> None:
        """Rounds the corners, when all else of the background is drawn."""
        round_corners(self.background, min(self.background.shape[:2]) // 24, COLOURS['page'])

    @abstractmethod
    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""


class KeypointPanel(Panel):
    """Draws 2D keypoints, zoomed to where the persons go in the clip.

    Args:
        table: T rows with the joint set, and the joints of one or several persons one after the other; faint where
            scores are low, not drawn where 0; ``img_shape`` draws the border of the video.
        size: (width, height) of the panel in pixels.
    """

    def __init__(self, table: KeypointTable, size: Size) -> None:
        super().__init__(size)
        self.dress(get_skeleton(table.skeleton), table.keypoints.shape[1])
        self.visible, shown = table.keypoints_visible, table.keypoints_visible > 0
        keypoints = np.where(shown[..., None], table.keypoints, 0).astype(float)
        low, high = usual_range(table)  # a few stray detections must not shrink the person
        extent = np.maximum((high - low) * 1.3, 1)
        self.zoom = float(np.min(np.array(size) / extent))
        self.offset = np.array(size) * (0.5, 0.52) - (low + high) / 2 * self.zoom  # a little lower: the title
        self.points = keypoints * self.zoom + self.offset
        self._choose_width(shown, size)
        if table.img_shape is not None:
            corners = np.array([[0, 0], table.img_shape[::-1]]) * self.zoom + self.offset
            corners = corners.clip(-30000, 30000).astype(int).tolist()
            self.background[:] = COLOURS['outside']
            cv2.rectangle(self.background, *corners, COLOURS['panel'], -1)
            cv2.rectangle(self.background, *corners, COLOURS['line'], max(round(size[1] / 400), 1))
        self.finish()

    def _choose_width(self, shown: np.ndarray, size: Size) -> None:
        """Limbs as wide as suits a person in pixels of the panel."""
        persons = len(self.points) * self.points.shape[1] // self.joints, self.joints
        points, shown = self.points.reshape(*persons, 2), shown.reshape(persons)
        high, low = (f(points, 1, where=shown[..., None], initial=i) for f, i in ((np.max, -1e9), (np.min, 1e9)))
        spread = np.median((high - low).max(-1)[shown.any(1)]) if shown.any() else 0
        self.width = float(np.clip(0.022 * spread, 0.006 * size[1], 0.03 * size[1]))

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        return self.draw_on(self.background.copy(), frame)

    def draw_on(self, canvas: np.ndarray, frame: int) -> np.ndarray:
        """Draws one frame on a canvas (h, w, 3) and returns it."""
        points, scores = self.points[frame], self.visible[frame]
        back = COLOURS['panel']
        for (a, b), colour in zip(self.edges, self.colours, strict=True):
            score = min(scores[a], scores[b])
            if score > 0:
                limb(canvas, points[a], points[b], mix(back, colour, 0.25 + 0.75 * score), self.width, back)
        for point, score, colour in zip(points, scores, self.joint_colours, strict=True):
            if score > 0:
                disc(canvas, point, self.width * 0.95, back)
                disc(canvas, point, self.width * 0.68, mix(back, colour, 0.25 + 0.75 * score))
        return canvas


class FilmPanel(KeypointPanel):
    """Draws 2D keypoints over the pictures in which they were found; frames have to be asked for in their order.

    Args:
        table: see :class:`KeypointPanel`; its ``frame_indices`` are those of the film.
        size: (width, height) of the panel in pixels.
        film: of frames with ``index`` and ``image`` (H, W, 3) uint8 RGB, and with ``img_shape`` (height, width).
    """

    def __init__(self, table: KeypointTable, size: Size, film: Any) -> None:
        super().__init__(table, size)
        high, wide = film.img_shape
        zoom = min(size[0] / wide, size[1] / high)
        offset = (np.array(size) - np.array([wide, high]) * zoom) / 2
        self.points = (self.points - self.offset) / self.zoom * zoom + offset
        self.zoom, self.offset = zoom, offset
        self._choose_width(self.visible > 0, size)
        self.numbers, self.frames, self.current = table.frame_indices, iter(film), None
        self.background[:] = COLOURS['outside']
        self.finish()

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB; after the film's end its last picture stays."""
        while self.current is None or self.current.index < self.numbers[frame]:
            following = next(self.frames, None)
            if following is None:
                break
            self.current = following
        canvas = self.background.copy()
        if self.current is not None:
            high, wide = (round(side * self.zoom) for side in self.current.image.shape[:2])
            x, y = self.offset.round().astype(int)
            picture = cv2.resize(self.current.image, (wide, high), interpolation=cv2.INTER_AREA)
            canvas[y : y + high, x : x + wide] = picture[: len(canvas) - y, : canvas.shape[1] - x]
        return self.draw_on(canvas, frame)


class FloorPanel(Panel):
    """Draws points in perspective over a floor at the lowest of them.

    Args:
        points: (T, P, 3) metres, camera axes (x right, y down, z forward); scale and view are the same for all frames.
        size: (width, height) of the panel in pixels.
        truth: likewise, seen from the same place.
        view: how far it has gone to the left round the person, and how far it looks down, degrees; (0, 0) is the
            camera's own.
        where: what the points are relative to, for the caption.
    """

    def __init__(
        self,
        points: np.ndarray,
        size: Size,
        truth: np.ndarray | None = None,
        view: tuple[float, float] = (35, 14),
        where: str = 'root-relative',
    ) -> None:
        super().__init__(size)
        self.poses, self.truth = to_y_up(points), None if truth is None else to_y_up(truth)
        poses = self.poses if truth is None else np.stack([self.poses, self.truth])
        corners = np.stack([np.nanmin(poses.reshape(-1, 3), 0), np.nanmax(poses.reshape(-1, 3), 0)])
        self.floor = corners[0, 1]
        self.centre = corners.mean(0)
        self.radius = max(float(np.linalg.norm(corners[1] - corners[0])) / 2, 0.3)
        around, above = axis_angle_to_matrix(np.radians([[0.0, view[0], 0.0], [view[1], 0.0, 0.0]]))
        self.rotation = above @ around
        self.zoom, self.offset = 1.0, np.zeros(2)
        on_floor = poses.copy()
        on_floor[..., 1] = self.floor
        outline = np.concatenate([self.project(p)[0].reshape(-1, 2) for p in (poses, on_floor)])
        low, high = np.nanmin(outline, 0), np.nanmax(outline, 0)
        self.zoom = float(np.min(np.array(size) * (0.86, 0.80) / np.maximum(high - low, 0.3)))
        self.offset = np.array(size) * (0.5, 0.53) - (low + high) / 2 * self.zoom
        cell = _CELL * 2.0 ** max(np.ceil(np.log2(self.radius / 1.5)), 0)
        self.caption = f'metres, {where}  ·  floor grid {cell:g} m'
        self._draw_floor(cell)
        self.finish()

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Perspective view of (..., 3) metres: (..., 2) pixels and (...) pixels per metre, more being nearer."""
        seen = (points - self.centre) @ self.rotation.T
        distance = 4.5 * self.radius
        size = self.zoom * distance / (distance - seen[..., 2])
        return seen[..., :2] * (1, -1) * size[..., None] + self.offset, size

    def _draw_floor(self, cell: float) -> None:
        reach = cell * np.ceil(2.2 * self.radius / cell)
        ticks = np.arange(-reach, reach + cell / 2, cell)
        pieces = np.linspace(-reach, reach, 49)
        origin = np.round(self.centre / cell) * cell
        for across, along in ((0, 2), (2, 0)):
            points = np.full((len(ticks), len(pieces), 3), self.floor)
            points[..., across], points[..., along] = ticks[:, None] + origin[across], pieces + origin[along]
            far = np.linalg.norm(points[..., [0, 2]] - self.centre[[0, 2]], axis=-1) / reach
            pixels = self.project(points)[0]
            for row, fade in zip(pixels, far, strict=True):
                for k in np.flatnonzero((fade[:-1] + fade[1:]) / 2 < 1):
                    colour = mix(COLOURS['line'], COLOURS['panel'], float(fade[k] + fade[k + 1]) / 2)
                    line(self.background, row[k], row[k + 1], colour, self.background.shape[0] / 420)

    def cast_shadow(self, canvas: np.ndarray, points: np.ndarray) -> None:
        """Darkens the floor below the points of one frame; NaN is nobody."""
        pixels, size = self.project(np.stack([points[:, 0], np.full(len(points), self.floor), points[:, 2]], -1))
        shadow = np.zeros((canvas.shape[0] // _COARSE, canvas.shape[1] // _COARSE), np.uint8)
        radius = self.mark_shadow(shadow, pixels / _COARSE, size / _COARSE)
        shadow = cv2.GaussianBlur(shadow, (0, 0), radius * float(np.nanmean(size)) / _COARSE + 0.3)
        x, y, w, h = cv2.boundingRect(shadow)
        if w == 0:
            return
        region = canvas[y * _COARSE : (y + h) * _COARSE, x * _COARSE : (x + w) * _COARSE]
        soft = cv2.resize(shadow[y : y + h, x : x + w], region.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        dark = cv2.merge([soft] * 3)
        cv2.subtract(region, cv2.multiply(dark, np.array([0.2, 0.18, 0.15, 0]), scale=1), region)

    @abstractmethod
    def mark_shadow(self, shadow: np.ndarray, pixels: np.ndarray, size: np.ndarray) -> float:
        """Marks with 255 what lies in the shadow of points (P, 2); ``size`` (P,) is pixels per metre.

        Returns:
            How soft its edge is, metres.
        """


class FigurePanel(FloorPanel):
    """Draws the 3D figure, with the truth in grey.

    Args:
        poses: (T, K, 3), see :class:`FloorPanel`; the joints of one or several persons one after the other, NaN where
            nobody is.
        skeleton: joint set of a person.
        size: (width, height) of the panel in pixels.
        **seen: ``truth``, ``view`` and ``where``, see :class:`FloorPanel`.
    """

    def __init__(self, poses: np.ndarray, skeleton: Skeleton, size: Size, **seen: Any) -> None:
        super().__init__(poses, size, **seen)
        self.dress(skeleton, poses.shape[1])
        self.thickness = limb_radius(self.poses.reshape(-1, skeleton.num_joints, 3))

    def mark_shadow(self, shadow: np.ndarray, pixels: np.ndarray, size: np.ndarray) -> float:
        """The limbs', see :class:`FloorPanel`."""
        for a, b in (edge for edge in self.edges if not np.isnan(size[list(edge)]).any()):
            line(shadow, pixels[a], pixels[b], 255, 2.8 * self.thickness * size[a])
        return self.thickness

    def _draw_figure(self, canvas: np.ndarray, pose: np.ndarray, ghost: bool) -> None:
        pixels, size = self.project(pose)
        back, grey = COLOURS['panel'], COLOURS['truth']
        present = [k for k, edge in enumerate(self.edges) if not np.isnan(size[list(edge)]).any()]
        order = sorted(present, key=lambda k: size[list(self.edges[k])].sum())
        ends = {j: k for k in order for j in self.edges[k]}  # each joint is drawn with the nearest limb that ends at it
        near, far = np.nanmax(size), np.nanmin(size)
        for k in order:
            a, b = self.edges[k]
            mist = 0.0 if near - far < 1e-9 else 0.22 * float(near - (size[a] + size[b]) / 2) / float(near - far)
            if ghost:
                line(canvas, pixels[a], pixels[b], mix(grey, back, mist), 1.4 * self.thickness * size[a])
                continue
            width = self.thickness * (size[a] + size[b])
            limb(canvas, pixels[a], pixels[b], mix(self.colours[k], back, mist), width, back)
            for j in (j for j in (a, b) if ends[j] == k):
                joint(canvas, pixels[j], mix(self.joint_colours[j], back, mist), 1.38 * self.thickness * size[j])

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        canvas = self.background.copy()
        self.cast_shadow(canvas, self.poses[frame])
        if self.truth is not None:
            self._draw_figure(canvas, self.truth[frame], ghost=True)
        self._draw_figure(canvas, self.poses[frame], ghost=False)
        return canvas

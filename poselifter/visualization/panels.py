"""The two views of a clip: keypoints on their canvas, and the figure over a floor."""

import cv2
import numpy as np

from ..skeletons import Skeleton
from .clip import Clip, limb_radius
from .drawing import disc, joint, limb, line, round_corners
from .styles import THEMES, edge_sides, mix, rgb

COLOURS = {name: rgb(value) for name, value in THEMES['light'].items()}
_CELL = 0.5  # metres between two lines of the floor


class _Panel:
    """A white card with rounded corners, and the colours of a skeleton."""

    def __init__(self, skeleton: Skeleton, size: tuple[int, int]) -> None:
        self.edges = skeleton.edges
        self.colours = [COLOURS[side] for side in edge_sides(skeleton)]
        self.joint_colours = [COLOURS[side] for side in skeleton.sides]
        self.background = np.full((size[1], size[0], 3), COLOURS['panel'], np.uint8)

    def _finish(self) -> None:
        """Rounds the corners, when all else of the background is there."""
        round_corners(self.background, min(self.background.shape[:2]) // 24, COLOURS['page'])


class KeypointPanel(_Panel):
    """Draws 2D keypoints, zoomed to where the person goes in the clip.

    Args:
        clip: T frames.
        size: (width, height) of the panel in pixels.
    """

    def __init__(self, clip: Clip, size: tuple[int, int]) -> None:
        super().__init__(clip.skeleton_2d, size)
        shown = clip.visible > 0
        seen = clip.keypoints_2d[shown]
        seen = seen if len(seen) else np.zeros((1, 2))
        low, high = np.percentile(seen, [0.5, 99.5], axis=0)  # a few stray detections must not shrink the person
        extent = np.maximum((high - low) * 1.3, 1)
        self.zoom = float(np.min(np.array(size) / extent))
        self.offset = np.array(size) * (0.5, 0.52) - (low + high) / 2 * self.zoom  # a little lower: the title
        self.points = clip.keypoints_2d * self.zoom + self.offset
        self.visible = clip.visible
        high, low = (f(self.points, 1, where=shown[..., None], initial=i) for f, i in ((np.max, -1e9), (np.min, 1e9)))
        spread = np.median((high - low).max(-1)[shown.any(1)]) if shown.any() else 0
        self.width = float(np.clip(0.022 * spread, 0.006 * size[1], 0.03 * size[1]))
        if clip.img_shape is not None:
            self._draw_canvas(clip.img_shape)
        self._finish()

    def _draw_canvas(self, img_shape: tuple[int, int]) -> None:
        corners = np.array([[0, 0], [img_shape[1], img_shape[0]]]) * self.zoom + self.offset
        corners = [tuple(int(v) for v in np.clip(c, -30000, 30000)) for c in corners]
        self.background[:] = COLOURS['outside']
        cv2.rectangle(self.background, *corners, COLOURS['panel'], -1)
        cv2.rectangle(self.background, *corners, COLOURS['line'], max(round(len(self.background) / 400), 1))

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        canvas = self.background.copy()
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


class FigurePanel(_Panel):
    """Draws the 3D figure in perspective over a floor at the lowest foot of the clip.

    Args:
        clip: T frames; scale and view are the same for all of them.
        size: (width, height) of the panel in pixels.
        azimuth: how far the view has gone to the left round the person, degrees; 0 is the camera's own.
        elevation: how far it looks down, degrees.

    Attributes:
        caption: units and scale, to be written beside the panel.
    """

    def __init__(self, clip: Clip, size: tuple[int, int], azimuth: float = 35.0, elevation: float = 14.0) -> None:
        super().__init__(clip.skeleton_3d, size)
        poses = clip.keypoints_3d if clip.truth_3d is None else np.stack([clip.keypoints_3d, clip.truth_3d])
        corners = np.stack([poses.reshape(-1, 3).min(0), poses.reshape(-1, 3).max(0)])
        self.floor = corners[0, 1]
        self.centre = corners.mean(0)
        self.radius = max(float(np.linalg.norm(corners[1] - corners[0])) / 2, 0.3)
        a, e = np.radians([azimuth, elevation])
        turn = [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
        tilt = [[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]]
        self.rotation = np.array(tilt) @ np.array(turn)
        self.zoom, self.offset = 1.0, np.zeros(2)
        on_floor = poses.copy()
        on_floor[..., 1] = self.floor
        outline = np.concatenate([self.project(p)[0].reshape(-1, 2) for p in (poses, on_floor)])
        low, high = outline.min(0), outline.max(0)
        self.zoom = float(np.min(np.array(size) * (0.86, 0.80) / np.maximum(high - low, 0.3)))
        self.offset = np.array(size) * (0.5, 0.53) - (low + high) / 2 * self.zoom
        self.poses, self.truth = clip.keypoints_3d, clip.truth_3d
        self.thickness = limb_radius(self.poses)
        cell = _CELL * 2.0 ** max(np.ceil(np.log2(self.radius / 1.5)), 0)
        self.caption = f'metres, root-relative  ·  floor grid {cell:g} m'
        self._draw_floor(cell)
        self._finish()

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
        origin = np.round(self.centre[[0, 2]] / cell) * cell
        for axis in (0, 1):
            ground = np.zeros((len(ticks), len(pieces), 2))
            ground[..., axis], ground[..., 1 - axis] = ticks[:, None], pieces
            points = np.full((*ground.shape[:2], 3), self.floor)
            points[..., [0, 2]] = ground + origin
            far = np.linalg.norm(points[..., [0, 2]] - self.centre[[0, 2]], axis=-1) / reach
            pixels = self.project(points)[0]
            for row, fade in zip(pixels, far, strict=True):
                for k in np.flatnonzero((fade[:-1] + fade[1:]) / 2 < 1):
                    colour = mix(COLOURS['line'], COLOURS['panel'], float(fade[k] + fade[k + 1]) / 2)
                    line(self.background, row[k], row[k + 1], colour, self.background.shape[0] / 420)

    def _draw_shadow(self, canvas: np.ndarray, pose: np.ndarray) -> None:
        small = 4  # a blurred shadow needs no more pixels
        shadow = np.zeros((canvas.shape[0] // small, canvas.shape[1] // small), np.uint8)
        pixels, size = self.project(np.stack([pose[:, 0], np.full(len(pose), self.floor), pose[:, 2]], -1))
        for a, b in self.edges:
            line(shadow, pixels[a] / small, pixels[b] / small, 255, 2.8 * self.thickness * size[a] / small)
        shadow = cv2.GaussianBlur(shadow, (0, 0), self.thickness * float(size.mean()) / small + 0.3)
        x, y, w, h = cv2.boundingRect(shadow)
        if w == 0:
            return
        region = canvas[y * small : (y + h) * small, x * small : (x + w) * small]
        soft = cv2.resize(shadow[y : y + h, x : x + w], region.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        dark = cv2.merge([soft] * 3)
        cv2.subtract(region, cv2.multiply(dark, np.array([0.2, 0.18, 0.15, 0]), scale=1), region)

    def _draw_figure(self, canvas: np.ndarray, pose: np.ndarray, ghost: bool) -> None:
        pixels, size = self.project(pose)
        back, grey = COLOURS['panel'], COLOURS['truth']
        order = sorted(range(len(self.edges)), key=lambda k: size[list(self.edges[k])].sum())
        ends = {}  # each joint is drawn with the nearest limb that ends there
        for k in order:
            ends.update(dict.fromkeys(self.edges[k], k))
        near, far = size.max(), size.min()
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
        self._draw_shadow(canvas, self.poses[frame])
        if self.truth is not None:
            self._draw_figure(canvas, self.truth[frame], ghost=True)
        self._draw_figure(canvas, self.poses[frame], ghost=False)
        return canvas

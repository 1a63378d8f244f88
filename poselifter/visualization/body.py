"""A body's surface, drawn on the CPU, and its animation beside the joints."""

import os

import cv2
import numpy as np

from ..errors import InputError
from ..geometry import vertex_normals
from .animation import check_fps, write_views
from .clip import Clip, check_array, check_clip, to_y_up
from .drawing import WHITE
from .panels import COLOURS, FigurePanel
from .picture import check_suffix

_LIGHT = np.array([-0.35, 0.55, 0.76])  # from the upper left, in the view's axes
_BITS = 4  # OpenCV takes positions in 1/16 pixel


class BodyPanel(FigurePanel):
    """Draws a surface in perspective over a floor: far faces first, so that near ones hide them.

    Args:
        clip: T frames whose ``keypoints_3d`` are the vertices (T, V, 3).
        faces: (F, 3), corners counter-clockwise as seen from outside.
        size: (width, height) of the panel in pixels.
    """

    def __init__(self, clip: Clip, faces: np.ndarray, size: tuple[int, int]) -> None:
        super().__init__(clip, size)
        self.faces = faces

    def draw(self, frame: int) -> np.ndarray:
        """The panel at one frame, (h, w, 3) uint8 RGB."""
        canvas, vertices = self.background.copy(), self.poses[frame]
        self._draw_shadow(canvas, vertices)
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

    def _draw_shadow(self, canvas: np.ndarray, pose: np.ndarray) -> None:
        small = 4  # a blurred shadow needs no more pixels
        shadow = np.zeros((canvas.shape[0] // small, canvas.shape[1] // small), np.uint8)
        pixels, size = self.project(np.stack([pose[:, 0], np.full(len(pose), self.floor), pose[:, 2]], -1))
        x, y = (pixels / small).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < shadow.shape[1]) & (y < shadow.shape[0])
        shadow[y[inside], x[inside]] = 255
        width = max(int(0.03 * size.mean() / small), 1)
        shadow = cv2.dilate(shadow, np.ones((width, width), np.uint8))
        shadow = cv2.GaussianBlur(shadow, (0, 0), 0.02 * float(size.mean()) / small + 0.3)
        soft = cv2.resize(shadow, canvas.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        canvas[:] = cv2.subtract(canvas, cv2.merge([(soft * share).astype(np.uint8) for share in (0.2, 0.18, 0.15)]))


def save_body_animation(
    path: str | os.PathLike,
    keypoints_3d: np.ndarray,
    skeleton_3d: str,
    vertices: np.ndarray,
    faces: np.ndarray,
    fps: float,
) -> None:
    """Saves an animation, GIF or MP4: joints on the left, the body's surface on the right; needs no GPU or display.

    Args:
        path: file to write, ``.gif`` or ``.mp4``.
        keypoints_3d: (T, K, 3) metres, camera axes (x right, y down, z forward).
        skeleton_3d: joint set of ``keypoints_3d``.
        vertices: (T, V, 3) in the same axes.
        faces: (F, 3).
        fps: frames a second.

    Raises:
        InputError: the arrays do not fit together or hold NaN, MP4 is wanted
            without imageio-ffmpeg, or the file cannot be written.
    """
    path, fps = check_suffix(path, ['.gif', '.mp4']), check_fps(fps)
    poses = np.asarray(keypoints_3d, float)
    joints = check_clip(np.zeros((*poses.shape[:2], 2)), poses, skeleton_3d, skeleton_3d, None, None, None)
    surface = to_y_up(check_array('vertices', vertices, (len(poses), None, 3), '(T, V, 3)'))
    faces = np.asarray(faces)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.max(initial=0) >= surface.shape[1]:
        raise InputError(f'faces have shape {faces.shape}, expected (F, 3) numbers of {surface.shape[1]} vertices')
    solid = joints.skeleton_3d
    clip = Clip(joints.keypoints_2d, joints.visible, surface, None, solid, solid, None)
    views = {'3D pose': lambda size: FigurePanel(joints, size), 'Body': lambda size: BodyPanel(clip, faces, size)}
    write_views(path, views, len(poses), fps, fine=2)

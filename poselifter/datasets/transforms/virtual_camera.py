"""A camera for motion that was captured without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...geometry import Camera, look_at, project, world_to_camera
from ...registry import TRANSFORMS
from ...skeletons import get_skeleton
from .base import Transform

_MARGIN = 0.03  # fraction of the picture at each border that stays free


def heading(pose: np.ndarray, skeleton: str) -> float:
    """Direction that the front of a body faces: radians from x towards y, of a pose (K, 3) in the world, z up."""
    names = get_skeleton(skeleton).joint_names
    across = pose[names.index('left_hip')] - pose[names.index('right_hip')]
    return float(np.arctan2(-across[0], across[1]))


@TRANSFORMS.register_module()
@dataclass(eq=False)
class VirtualCamera(Transform):
    """Films a world-frame clip with a random camera that has the whole body in view.

    The camera stands at a random side of the person, at a height and distance where people hold phones and put tripods,
    and looks at the middle of the motion, not quite level and not quite centred. A motion that would leave the picture
    makes the camera step back and then, if need be, zoom out, so every joint of every frame is inside.

    Args:
        azimuth: range of the side it stands at, degrees.
        facing: sides to choose from instead, degrees from where the body's
            front points in the first frame: ``(0, 90)`` is in front and beside.
        height: range above the floor, metres.
        distance: range from the middle of the motion, metres.
        fov: range of the field of view along the picture's longer side,
            degrees (a phone's main camera has 65 to 75, a tele lens 30).
        roll: standard deviation of the tilt, degrees.
        image_sizes: (width, height) to choose from, pixels.
    """

    films = True
    azimuth: tuple[float, float] = (0, 360)
    facing: Sequence[float] | None = None
    height: tuple[float, float] = (0.5, 2.2)
    distance: tuple[float, float] = (2.5, 6.5)
    fov: tuple[float, float] = (35, 80)
    roll: float = 2.0
    image_sizes: Sequence[tuple[int, int]] = ((1920, 1080), (1080, 1920), (1280, 720), (1000, 1000))

    def apply(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Adds camera-frame ``lifting_target``, ``keypoints`` in pixels and the camera."""
        world, side = sample['world_keypoints'], None
        if self.facing is not None:
            side = heading(world[0], sample['skeleton_3d']) + np.radians(self.facing[rng.integers(len(self.facing))])
        camera = self.place(world.reshape(-1, 3), rng, side)
        points = world_to_camera(world, camera)
        shape = world.shape[:2]
        return {
            **sample,
            'lifting_target': points.astype(np.float32),
            'lifting_target_visible': sample.get('lifting_target_visible', np.ones(shape, np.float32)),
            'keypoints': project(points, camera).astype(np.float32),
            'keypoints_visible': np.ones(shape, np.float32),
            'skeleton': sample['skeleton_3d'],
            'camera_param': camera.to_dict(),
            'img_shape': camera.size[::-1],
        }

    def place(self, points: np.ndarray, rng: np.random.Generator, side: float | None = None) -> Camera:
        """Places a camera that sees all points (N, 3), world, metres, at a side, radians, else of ``azimuth``."""
        low, high = points.min(0), points.max(0)
        middle = (low + high) / 2
        side = np.radians(rng.uniform(*self.azimuth)) if side is None else side
        height, distance = rng.uniform(*self.height), rng.uniform(*self.distance)
        width, tall = self.image_sizes[rng.integers(len(self.image_sizes))]
        longer = max(width, tall) / 2
        widest, requested = (longer / np.tan(np.radians(a) / 2) for a in (max(self.fov), rng.uniform(*self.fov)))
        tilt = np.radians(rng.normal() * self.roll)
        aim = middle + rng.uniform(-0.15, 0.15, 3)
        free = np.array([width, tall]) / 2 * (1 - 2 * _MARGIN)

        outwards = np.array([np.cos(side), np.sin(side)])
        # the view direction depends a little on the distance, so step back twice and then zoom to fit
        for _ in range(3):
            position = np.array([*(aim[:2] + outwards * distance), height])
            rotation = look_at(position, aim, roll=tilt)
            seen = (points - position) @ rotation.T
            need = np.abs(seen[:, :2]) * widest / free - seen[:, 2:]
            distance += max(need.max(), (0.8 - seen[:, 2]).max(), 0)
        focal = min(requested, (free * seen[:, 2:] / np.abs(seen[:, :2]).clip(min=1e-6)).min())
        centre = np.array([width, tall]) / 2
        return Camera(np.array([focal, focal]), centre, rotation=rotation, position=position, size=(width, tall))

"""Every person of a result in one picture."""

import numpy as np

from ..structures import KeypointTable, Result

_APART = 1.2  # metres between persons whose places are not known
_UPRIGHT_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from a world with z up: x right, y down, z forward


class Crowd:
    """The rows of a result by frame: T frames in which somebody is seen, places for the P persons of the fullest one.

    A place goes from one person to the next where they never meet. Without a root trajectory persons stand side by
    side.

    Attributes:
        frames: (T,) their numbers.
        in_world: whether the persons' places in the world are known.
        caption: where the persons are.
    """

    def __init__(self, result: Result) -> None:
        self.result, table = result, result.table
        self.frames, self.row = np.unique(table.frame_indices, return_inverse=True)
        self.place, last = np.zeros(len(self.row), int), []
        for rows in sorted((rows for _, rows in table.tracks()), key=lambda rows: self.row[rows.start]):
            free = next((place for place, row in enumerate(last) if row < self.row[rows.start]), len(last))
            last[free : free + 1] = [self.row[rows.stop - 1]]
            self.place[rows] = free
        self.persons = len(last)
        self.in_world = result.root is not None and result.world_from_camera is not None
        place = 'side by side' if result.root is None else 'from the camera'
        people = f'{len(list(table.tracks()))} persons ' * (self.persons > 1)
        self.caption = people + ('in the world' if self.in_world else place if people else 'root-relative')

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values (N, K, C) of the rows as (T, P * K, C), NaN where nobody is."""
        every = np.full((len(self.frames), self.persons, *values.shape[1:]), np.nan, np.float32)
        every[self.row, self.place] = values
        return every.reshape(len(self.frames), -1, values.shape[-1])

    def poses(self, truth: bool = False) -> np.ndarray | None:
        """The poses, or captured ones if there are some, (T, P * K, 3) in metres; upright where the world is known.

        Raises:
            InputError: a joint is not known.
        """
        poses = self.result.truth if truth else self.result.complete_poses()
        if poses is None:
            return None
        poses, shift = poses.astype(float), np.zeros((len(poses), 3))
        if self.result.root is not None and (self.in_world or self.persons > 1):
            shift = self.result.root
        elif self.persons > 1:
            shift[:, 0] = (self.place - (self.persons - 1) / 2) * _APART
        poses = poses + shift[:, None]
        if self.result.world_from_camera is not None:
            poses = poses @ (_UPRIGHT_CAMERA @ self.result.world_from_camera[:3, :3]).T
        return self.spread(poses)

    def keypoints(self) -> KeypointTable:
        """One table of T rows with the P * J joints of all persons, score 0 where nobody is."""
        table = self.result.table
        visible = np.nan_to_num(self.spread(table.keypoints_visible[..., None])[..., 0])
        known = {'skeleton': self.result.skeleton, 'img_shape': table.img_shape, 'fps': table.fps}
        return KeypointTable.of_person(self.spread(table.keypoints), visible, self.frames, **known)

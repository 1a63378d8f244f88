"""A captured motion as a file states it, and the forward kinematics that its readers share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import InputError


@dataclass(frozen=True)
class Motion:
    """Joints of one body over time, in the file's own axes and units.

    Convention: right-handed, y up by habit, the body facing +z at rest;
    column vectors, so a vector fixed to joint j points at
    ``rotations[:, j] @ vector``.

    Attributes:
        names: J joint names; an end site is called ``<parent>_end``.
        parents: J parent indices, -1 at a root.
        offsets: (J, 3) each joint from its parent at rest.
        positions: (T, J, 3) world positions.
        rotations: (T, J, 3, 3) world rotations.
        fps: frames per second if the file states it.
        unit_m: metres in a unit of length if the file states it.
        source: the file, for messages.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    fps: float | None = None
    unit_m: float | None = None
    source: str = 'motion'

    def index(self, name: str) -> int:
        """Index of a joint.

        Args:
            name: as in ``names``.

        Returns:
            Its index.

        Raises:
            InputError: there is no such joint.
        """
        if name not in self.names:
            raise InputError(
                f'{self.source}: has no joint {name!r} among {", ".join(self.names[:8])}, ..., expected one; '
                f'this body cannot be mapped'
            )
        return self.names.index(name)

    def position(self, name: str) -> np.ndarray:
        """(T, 3) world positions of a joint; raises InputError where it is missing."""
        return self.positions[:, self.index(name)]


def euler_matrices(order: Sequence[str], angles: np.ndarray) -> np.ndarray:
    """Product of rotations about axes, R = R(order[0]) R(order[1]) ...: the first named acts last.

    Args:
        order: axes, of ``'x'``, ``'y'``, ``'z'``; any number, repeats allowed.
        angles: (..., len(order)) degrees.

    Returns:
        (..., 3, 3) matrices for column vectors.

    Example:
        >>> euler_matrices('zx', np.array([90.0, 90.0])).round() @ [0, 0, 1]
        array([1., 0., 0.])
    """
    product = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for k, axis in enumerate(order):
        turn = Rotation.from_euler(axis, angles[..., k].reshape(-1, 1), degrees=True).as_matrix()
        product = product @ turn.reshape(*angles.shape[:-1], 3, 3)
    return product

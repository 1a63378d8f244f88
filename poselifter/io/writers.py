"""The exchange file on disk: written and, with its 3D part, read back."""

import os
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..structures import KeypointTable
from ..utils.arrays import load_arrays, save_arrays
from .readers import read_keypoints


@dataclass
class LiftedTable:
    """A table of 2D keypoints and what was lifted from it.

    Attributes:
        table: the 2D input, N rows.
        keypoints_3d: (N, K, 3) float32 metres, camera axes (x right, y down,
            z forward), root-relative.
        skeleton_3d: name of the joint set of ``keypoints_3d``.
        root_3d: (N, 3) float32 metres, the root in the camera; ``None``
            unless a root trajectory was asked for.
    """

    table: KeypointTable
    keypoints_3d: np.ndarray
    skeleton_3d: str
    root_3d: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.table.keypoints)
        if self.keypoints_3d.ndim != 3 or len(self.keypoints_3d) != n or self.keypoints_3d.shape[-1] != 3:
            raise InputError(
                f'{self.table.source}: keypoints_3d have shape {self.keypoints_3d.shape}, expected ({n}, K, 3)'
            )
        if self.root_3d is not None and self.root_3d.shape != (n, 3):
            raise InputError(f'{self.table.source}: root_3d has shape {self.root_3d.shape}, expected ({n}, 3)')


def write_keypoints(path: str | os.PathLike, table: KeypointTable) -> None:
    """Writes 2D keypoints as the exchange file; whole or not at all.

    Args:
        path: the npz file.
        table: what to write; facts that are ``None`` are left out of the file.

    Raises:
        InputError: the folder cannot be written to.
    """
    save_arrays(path, _arrays(table))


def write_lifted(path: str | os.PathLike, lifted: LiftedTable) -> None:
    """Writes the exchange file with its 3D part; whole or not at all.

    Args:
        path: the npz file.
        lifted: what to write; facts that are ``None`` are left out.

    Raises:
        InputError: the folder cannot be written to.
    """
    arrays = _arrays(lifted.table)
    arrays['keypoints_3d'] = np.asarray(lifted.keypoints_3d, np.float32)
    arrays['skeleton_3d'] = np.array(lifted.skeleton_3d)
    if lifted.root_3d is not None:
        arrays['root_3d'] = np.asarray(lifted.root_3d, np.float32)
    save_arrays(path, arrays)


def read_lifted(path: str | os.PathLike) -> LiftedTable:
    """Reads what :func:`write_lifted` wrote.

    Args:
        path: the npz file; its rows may come in any order.

    Returns:
        Rows sorted by track, then frame.

    Raises:
        InputError: the file is no exchange file or has no 3D part.
    """
    arrays = load_arrays(path)
    absent = {'keypoints', 'track_ids', 'frame_indices', 'keypoints_3d', 'skeleton_3d'} - set(arrays)
    if absent:
        raise InputError(f'{path}: has no {", ".join(sorted(absent))}, expected a file that `poselifter lift` wrote')
    table = read_keypoints(path)
    if arrays['keypoints_3d'].shape[:1] != table.track_ids.shape:
        raise InputError(
            f'{path}: {len(arrays["keypoints_3d"])} rows of keypoints_3d for {len(table.track_ids)} rows of 2D'
        )
    order = np.lexsort((arrays['frame_indices'], np.unique(arrays['track_ids'], return_inverse=True)[1]))
    root = arrays.get('root_3d')
    return LiftedTable(
        table, arrays['keypoints_3d'][order], arrays['skeleton_3d'].item(), None if root is None else root[order]
    )


def _arrays(table: KeypointTable) -> dict[str, np.ndarray]:
    ids = table.track_ids
    arrays = {
        'keypoints': table.keypoints,
        'keypoints_visible': table.keypoints_visible,
        'frame_indices': table.frame_indices,
        'track_ids': ids if ids.dtype.kind in 'iuU' else ids.astype(str),
    }
    facts = {'img_shape': table.img_shape, 'fps': table.fps, 'skeleton': table.skeleton}
    return arrays | {key: np.array(value) for key, value in facts.items() if value is not None}

"""The exchange file on disk: written and, with its 3D part, read back."""

import os
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...light_registry import register_writer
from ...skeletons import get_skeleton, list_skeletons
from ...structures import KeypointTable, Result
from ...structures.keypoint_table import as_numbers
from ...utils.arrays import load_arrays, save_arrays
from ..readers import read_keypoints
from ..readers.joint_sets import skeleton_of_file
from .bodies import write_parameters

_PLACED = ('root_3d', 'contacts', 'world_from_camera', 'camera_matrix', 'uncertainty')


@register_writer('npz', '.npz', needs=('poses', 'body', 'keypoints'))
def write_npz(path: Path, result: Result) -> None:
    """The exchange file, with its 3D part if there is one, unit, axes and model; of a body the parameters, as AMASS."""
    if result.body is not None:
        write_parameters(path, result.body, result.fps)
        return
    if result.poses is None:
        write_keypoints(path, result.table)
        return
    arrays = {**_arrays(result.table), 'skeleton_3d': np.array(result.skeleton_3d)}
    if result.skeleton_3d not in list_skeletons():  # the file's own: nobody else knows it
        skeleton = get_skeleton(result.skeleton_3d)
        arrays['joints_3d'] = np.array(skeleton.joint_names)
        arrays['parents_3d'] = np.array(skeleton.parents or (), np.int64)
    arrays['keypoints_3d'] = np.asarray(result.poses, np.float32)
    placed = result.root, result.contacts, result.world_from_camera, result.camera_matrix, result.uncertainty
    for name, array in zip(_PLACED, placed, strict=True):
        if array is not None:
            arrays[name] = np.asarray(array, np.float32 if name in ('root_3d', 'uncertainty') else None)
    texts = result.frame_of_reference() | ({'settings': result.settings} if result.settings else {})
    save_arrays(path, arrays | {name: np.array(text) for name, text in texts.items()})


def write_keypoints(path: str | os.PathLike[str], table: KeypointTable) -> None:
    """Writes 2D keypoints as the exchange file, whole or not at all; metadata that are ``None`` are left out.

    Raises:
        InputError: the folder cannot be written to.
    """
    save_arrays(path, _arrays(table))


def read_result(path: str | os.PathLike[str]) -> Result:
    """Reads an npz file that ``poselifter lift`` wrote; its rows are sorted by track, then frame.

    Raises:
        InputError: the file is no exchange file or has no 3D part.
    """
    need = 'keypoints', 'track_ids', 'frame_indices', 'keypoints_3d', 'skeleton_3d'
    names = *_PLACED, 'model', 'joints_3d', 'parents_3d', 'keypoints_visible', 'fps'
    arrays = load_arrays(path, need, names, 'expected a file that `poselifter lift` wrote')
    if arrays['track_ids'].dtype.kind not in 'iU' or arrays['skeleton_3d'].size != 1:
        raise InputError(f'{path}: track_ids or skeleton_3d are not as `poselifter lift` writes them; lift again')
    table = read_keypoints(path) if arrays['keypoints'].size else _without_keypoints(arrays, path)
    if arrays['keypoints_3d'].shape[:1] != table.track_ids.shape:
        raise InputError(f'{path}: {len(arrays["keypoints_3d"])} rows of keypoints_3d, expected {len(table.track_ids)}')
    order = np.lexsort((arrays['frame_indices'], np.unique(arrays['track_ids'], return_inverse=True)[1]))
    root, contacts, world, matrix, uncertainty = (arrays.get(name) for name in _PLACED)
    model, skeleton_3d = arrays.get('model', np.array(None)), arrays['skeleton_3d'].item()
    if 'joints_3d' in arrays:
        parents = as_numbers(arrays.get('parents_3d', np.zeros(0)), f'{path}: parents_3d', whole=True).tolist()
        skeleton_3d = skeleton_of_file(str(skeleton_3d), arrays['joints_3d'].ravel().tolist(), parents)[0].name
    return Result(
        table,
        arrays['keypoints_3d'][order],
        skeleton_3d,
        None if root is None else root[order],
        uncertainty=None if uncertainty is None else uncertainty[order],
        world_from_camera=world,
        camera_matrix=matrix,
        contacts=None if contacts is None else contacts[order],
        model=str(model) if model.dtype.kind == 'U' and model.size == 1 else None,
    )


def _without_keypoints(arrays: dict[str, np.ndarray], path: str | os.PathLike[str]) -> KeypointTable:
    """The table of a converted motion, of which no 2D is known."""
    rows = (arrays.get(key) for key in ('keypoints_visible', 'frame_indices', 'track_ids'))
    return KeypointTable(arrays['keypoints'], *rows, fps=arrays.get('fps'), source=str(path))


def _arrays(table: KeypointTable) -> dict[str, np.ndarray]:
    ids = table.track_ids
    arrays = {
        'keypoints': table.keypoints,
        'keypoints_visible': table.keypoints_visible,
        'frame_indices': table.frame_indices,
        'track_ids': ids if ids.dtype.kind in 'iuU' else ids.astype(str),
    }
    metadata = {key: getattr(table, key) for key in ('img_shape', 'fps', 'skeleton', 'timestamps')}
    return arrays | {key: np.array(value) for key, value in metadata.items() if value is not None}

"""Reads body models from files, arrays or other models; nothing in a file is ever executed."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ...errors import InputError, reading
from ...skeletons import get_skeleton
from ...utils.arrays import load_array, load_arrays
from ...utils.safe_pickle import PickledObject, load_pickle
from .anny import AnnyBody
from .body_model import BodyModel
from .smpl import SHAPES, SMPL

_NAMES = {*SHAPES, 'kintree_table', 'parents', 'f', 'faces', 'J_regressor_coco'}
_REGRESSORS = ('J_regressor_h36m_correct', 'J_regressor_h36m', 'J_regressor_coco')  # files beside a body model
_FILES = r'((smpl|smplh|smplx)_{0}|basicmodel_{1}_lbs_10_207_0_v1\.\d\.0|model)\.(npz|pkl)'  # also as downloaded
_LETTERS = {'neutral': 'neutral', 'male': 'm', 'female': 'f'}
_SWAPPED_LEGS = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]


def load_body_model(
    source: BodyModel | nn.Module | Mapping[str, Any] | str | os.PathLike[str],
    joint_regressor: np.ndarray | str | os.PathLike[str] | None = None,
    gender: str = 'neutral',
) -> BodyModel:
    """Makes an :class:`SMPL` of a file, of arrays or of another body model, or the free body that ships.

    SMPL-H and SMPL-X are taken too: their fingers, jaw and eyes stay at rest
    and become part of wrists and head, exactly, so that 24 joints are left.

    Two files called ``J_regressor_h36m`` go round; SPIN's has the left leg first. Unless ``source`` is a mapping, whose
    caller knows, the regressor is tried on the template and its legs are swapped, with a warning, if need be.

    Args:
        source: a :class:`BodyModel` (returned as it is); ``'anny'``, the one that ships; a ``smplx.SMPL``, ``SMPLH``
            or ``SMPLX``; a mapping of arrays by their official names; an ``.npz`` of those; the official ``.pkl``; or a
            folder with ``SMPL_NEUTRAL.npz`` or ``.pkl``, or ``SMPLH_`` or ``SMPLX_`` ones.
        joint_regressor: (17, V), or its ``.npy``; ``None``: what ``source`` has as ``J_regressor_h36m``, else
            ``J_regressor_h36m_correct.npy`` or ``J_regressor_h36m.npy`` beside the file. For COCO's joints there may be
            ``J_regressor_coco.npy``. SMPL-X has other vertices, so it needs other regressors.
        gender: which file of a folder: ``'neutral'``, ``'male'`` or ``'female'``.

    Returns:
        The body model.

    Raises:
        InputError: a file is missing, cannot be read, holds objects of other
            programs than chumpy and scipy, or has arrays of other shapes.
    """
    if isinstance(source, BodyModel):
        return source
    if source == 'anny':
        return AnnyBody()
    if isinstance(source, nn.Module):
        arrays = _of_smplx(source)
    elif isinstance(source, Mapping):
        arrays = dict(source)
    else:
        arrays = _read(Path(source).expanduser(), gender)
    if isinstance(joint_regressor, (str, os.PathLike)):
        joint_regressor = _load(Path(joint_regressor).expanduser())
    if joint_regressor is not None:
        arrays['J_regressor_h36m'] = joint_regressor
    kinds = (IndexError, TypeError, ValueError)
    with reading('the arrays are no body model', 'give those of the official SMPL file', kinds):
        body = SMPL(_folded(arrays))
    body.gender = gender
    rest = body.keypoints(body.template)
    if not isinstance(source, Mapping) and rest[1, 0] > rest[4, 0]:  # +x is the person's left, row 1 the right hip
        warnings.warn('J_regressor_h36m has the left leg first, as SPIN has it; its legs are swapped', stacklevel=2)
        body.regressor_h36m = body.regressor_h36m[_SWAPPED_LEGS]
    return body


def _of_smplx(body: nn.Module) -> dict[str, np.ndarray]:
    try:
        arrays = {key: getattr(body, key) for key in ('v_template', 'shapedirs', 'J_regressor', 'parents')}
        arrays |= {'weights': body.lbs_weights, 'faces': body.faces_tensor}
        arrays['posedirs'] = body.posedirs.T.reshape(len(body.v_template), 3, -1)
    except AttributeError as error:
        raise InputError(
            f'the body model is a {type(body).__name__}; expected smplx.SMPL, SMPLH or SMPLX, or a file'
        ) from error
    return {key: value.detach().cpu().numpy() for key, value in arrays.items()}


def _folded(arrays: dict[str, Any]) -> dict[str, Any]:
    """SMPL-H's 52 and SMPL-X's 55 joints as SMPL's 24: what stays at rest moves with the joint it hangs on."""
    tree = arrays.get('kintree_table', [arrays.get('parents', ())])[0]
    if len(tree) not in (52, 55) or not SHAPES.keys() - {'J_regressor_h36m'} <= arrays.keys():
        return arrays
    first = len(tree) - 30  # of the left hand's joints; the right hand's 15 follow
    weights = np.asarray(arrays['weights'])
    posedirs, regressor = (np.asarray(arrays[key]) for key in ('posedirs', 'J_regressor'))
    kept = np.pad(weights[:, :22].astype(float), ((0, 0), (0, 2)))
    kept[:, 15] += weights[:, 22:first].sum(1)
    kept[:, 20] += weights[:, first : first + 15].sum(1)
    kept[:, 21] += weights[:, first + 15 :].sum(1)
    return {
        **{key: value for key, value in arrays.items() if key != 'kintree_table'},
        'parents': get_skeleton('smpl24').parents,
        'weights': kept,
        'posedirs': np.pad(posedirs[..., :189], ((0, 0), (0, 0), (0, 18))),
        'J_regressor': regressor[[*range(22), first + 3, first + 18]],  # the hands: where the middle finger begins
        'kind': {52: 'smplh', 55: 'smplx'}[len(tree)],
    }


def _read(path: Path, gender: str) -> dict[str, Any]:
    if gender not in _LETTERS:
        raise InputError(f'gender is {gender!r}, expected one of {sorted(_LETTERS)}')
    if path.is_dir():
        pattern = _FILES.format(gender, _LETTERS[gender])
        matches = sorted((p for p in path.iterdir() if re.fullmatch(pattern, p.name.lower())), key=lambda p: p.suffix)
        path = matches[0] if matches else path / f'SMPL_{gender.upper()}.pkl'
    if not path.is_file():
        raise InputError(
            f'no body model {path}; SMPL may not be shipped: register at https://smpl.is.tue.mpg.de (SMPL-H: '
            f'https://mano.is.tue.mpg.de, SMPL-X: https://smpl-x.is.tue.mpg.de), download the {gender} model and save '
            f'it under that name'
        )
    arrays = dict(_load(path))
    for name in _REGRESSORS:
        key, file = name.removesuffix('_correct'), path.with_name(f'{name}.npy')
        if key not in arrays and file.is_file():
            arrays[key] = _load(file)
    return arrays


def _load(path: Path) -> Any:
    """An ``.npy``, an ``.npz`` as a dict, or a pickle of SMPL with arrays in the place of its objects."""
    if path.suffix == '.npy':
        return load_array(path)
    if path.suffix == '.npz':
        return load_arrays(path)
    content = load_pickle(path, encoding='latin1', objects=('chumpy.', 'scipy.sparse.'))
    if not isinstance(content, dict):
        raise InputError(f'{path} holds a {type(content).__name__}, expected the dict of arrays of an SMPL file')
    try:
        return {key: _plain(content[key]) for key in _NAMES & content.keys()}
    except Exception as error:  # a state of other kinds fails in any way
        raise InputError(f'{path} cannot be read ({error}); copy it again, or save dense arrays by np.savez') from error


def _plain(value: Any) -> Any:
    if not isinstance(value, PickledObject):
        return value
    state = value.state
    if 'indptr' in state:  # sparse columns; numpy checks the indices, as scipy would not
        dense = np.zeros(state['_shape'])
        columns = np.repeat(np.arange(dense.shape[1]), np.diff(state['indptr']))
        np.add.at(dense, (state['indices'], columns), state['data'])
        return dense
    if 'idxs' in state:  # a part of another array of chumpy
        part = np.ravel(_plain(state['a']))[state['idxs']]
        return part.reshape(state.get('preferred_shape', part.shape))
    return state.get('x')

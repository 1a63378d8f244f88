"""SMPL, the body model of mesh recovery."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ...errors import InputError
from ...skeletons import get_skeleton
from .body_model import BodyModel

SHAPES = {  # V vertices; shapedirs may hold more than 10 components, the first 10 are used
    'v_template': ('V', 3),
    'shapedirs': ('V', 3, 10),
    'posedirs': ('V', 3, 207),
    'J_regressor': (24, 'V'),
    'weights': ('V', 24),
    'J_regressor_h36m': (17, 'V'),
}


class SMPL(BodyModel):
    """The skinned multi-person linear model (Loper et al. 2015) with 10 shape components.

    Args:
        arrays: by the names of the official file: ``v_template`` (V, 3) metres, ``shapedirs`` (V, 3, 10 or more),
            ``posedirs`` (V, 3, 207), ``J_regressor`` (24, V), dense or of scipy.sparse, ``weights`` (V, 24); perhaps
            ``kintree_table`` (2, 24) or ``parents`` (24,), and ``f`` or ``faces`` (F, 3). Besides ``J_regressor_h36m``
            (17, V), which takes vertices to the joints of h36m17, and perhaps ``J_regressor_coco`` (17, V) to those of
            coco17.

    Attributes:
        kind: ``'smpl'``, ``'smplh'`` or ``'smplx'``, of which the arrays are.

    Raises:
        InputError: an array is missing, has another shape or another tree of joints.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        super().__init__()
        skeleton = get_skeleton('smpl24')
        tree = arrays['kintree_table'][0] if 'kintree_table' in arrays else arrays.get('parents', skeleton.parents)
        if list(np.asarray(tree)[1:]) != list(skeleton.parents[1:]):
            given = ' '.join(str(list(tree)).split())[:200]
            raise InputError(f'the body model has the joint parents {given}, expected those of SMPL with 24 joints')
        sizes = {'V': (np.shape(arrays.get('v_template')) or (0,))[0]}
        shapes = {**SHAPES, 'J_regressor_coco': (17, 'V')} if 'J_regressor_coco' in arrays else SHAPES
        given = {
            key: _dense(arrays, key, tuple(sizes.get(axis, axis) for axis in axes)) for key, axes in shapes.items()
        }
        faces = arrays.get('f', arrays.get('faces'))
        self.register_buffer('regressor_coco', None, persistent=False)
        shapes = np.moveaxis(given['shapedirs'], -1, 0)
        self._set_arrays(
            skeleton.parents,
            template=given['v_template'],
            shapes=shapes,
            heads=given['J_regressor'] @ given['v_template'],
            head_shapes=given['J_regressor'] @ shapes,
            pose_shapes=given['posedirs'].reshape(-1, given['posedirs'].shape[-1]).T,
            weights=given['weights'],
            shape_spread=np.ones(10),
            **{key[2:]: value for key, value in given.items() if key.startswith('J_regressor_')},
            **({} if faces is None else {'faces': np.asarray(faces).astype(np.int64)}),
        )
        self.kind, self.bone_names = arrays.get('kind', 'smpl'), skeleton.joint_names
        self.shape_names = tuple(f'beta_{number}' for number in range(10))

    def joint_weights(self, skeleton: str) -> Tensor:
        """Weights (17, V) of the vertices that make the joints of h36m17 or coco17.

        Raises:
            InputError: the model has no regressor of the joint set.
        """
        regressor = {'h36m17': self.regressor_h36m, 'coco17': self.regressor_coco}.get(skeleton)
        if regressor is None:
            raise InputError(f'the body model has no regressor of {skeleton}; put J_regressor_coco.npy beside it')
        return regressor


def _dense(arrays: Mapping[str, Any], key: str, shape: tuple[int, ...]) -> np.ndarray:
    value = arrays.get(key)
    if value is None:
        hint = 'give the arrays of the official SMPL file'
        if key == 'J_regressor_h36m':
            hint = 'put J_regressor_h36m_correct.npy of MotionBERT beside the body model or give joint_regressor'
        raise InputError(f'the body model has no {key}; {hint}')
    try:
        value = np.asarray(value.toarray() if hasattr(value, 'toarray') else value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f'{key} of the body model is no array of numbers ({error}); save it as one') from error
    value = value[..., :10] if key == 'shapedirs' else value
    if value.shape != shape:
        raise InputError(f'{key} of the body model has shape {value.shape}, expected {shape}; is the file one of SMPL?')
    return value

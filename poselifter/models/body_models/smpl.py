"""SMPL, the body model of mesh recovery."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ...skeletons import get_skeleton

SHAPES = {  # V vertices; shapedirs may hold more than 10 components, the first 10 are used
    'v_template': ('V', 3),
    'shapedirs': ('V', 3, 10),
    'posedirs': ('V', 3, 207),
    'J_regressor': (24, 'V'),
    'weights': ('V', 24),
    'J_regressor_h36m': (17, 'V'),
}


class SMPL(nn.Module):
    """The skinned multi-person linear model (Loper et al. 2015) with 10 shape components.

    In the rest pose y points up, +x to the person's left and +z to the front. The arrays are buffers outside of the
    ``state_dict``, since their licence does not let them travel in a checkpoint.

    Args:
        arrays: by the names of the official file: ``v_template`` (V, 3) metres, ``shapedirs`` (V, 3, 10 or more),
            ``posedirs`` (V, 3, 207), ``J_regressor`` (24, V), dense or of scipy.sparse, ``weights`` (V, 24); perhaps
            ``kintree_table`` (2, 24) or ``parents`` (24,), and ``f`` or ``faces`` (F, 3). Besides ``J_regressor_h36m``
            (17, V), which takes vertices to the joints of h36m17, and perhaps ``J_regressor_coco`` (17, V) to those of
            coco17.

    Attributes:
        kind: ``'smpl'``, ``'smplh'`` or ``'smplx'``, of which the arrays are.
        gender: ``'neutral'``, ``'male'`` or ``'female'``, where a loader knows it.

    Raises:
        InputError: an array is missing, has another shape or another tree of joints, or smplx is not installed.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        super().__init__()
        _skinning()  # fails here rather than after an hour of loading data
        skeleton = get_skeleton('smpl24')
        tree = arrays['kintree_table'][0] if 'kintree_table' in arrays else arrays.get('parents', skeleton.parents)
        if list(np.asarray(tree)[1:]) != list(skeleton.parents[1:]):
            raise InputError(
                f'the body model has the joint parents {list(tree)}, expected those of SMPL with 24 joints'
            )
        sizes = {'V': (np.shape(arrays.get('v_template')) or (0,))[0]}
        shapes = {**SHAPES, 'J_regressor_coco': (17, 'V')} if 'J_regressor_coco' in arrays else SHAPES
        self.register_buffer('J_regressor_coco', None, persistent=False)
        for key, axes in shapes.items():
            value = _dense(arrays, key, tuple(sizes.get(axis, axis) for axis in axes))
            if key == 'posedirs':
                value = value.reshape(-1, value.shape[-1]).T.copy()  # as smplx wants it: (207, 3 V)
            self.register_buffer(key, torch.as_tensor(value, dtype=torch.get_default_dtype()), persistent=False)
        self.kind, self.gender = arrays.get('kind', 'smpl'), 'neutral'
        faces = arrays.get('f', arrays.get('faces'))
        faces = None if faces is None else torch.as_tensor(np.asarray(faces).astype(np.int64))
        self.register_buffer('faces', faces, persistent=False)
        # stays on the CPU: smplx reads it number by number, and each would wait for the device
        self.parents = torch.tensor(skeleton.parents, device='cpu')

    def forward(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Poses and shapes the body, in full precision also under autocast.

        Args:
            rotations: (..., 24, 3, 3), each joint relative to its parent; joint 0 turns the body about its pelvis.
            betas: (..., 10), or what broadcasts to it.

        Returns:
            Vertices (..., V, 3) and joints (..., 24, 3), both in metres.
        """
        batch, like = rotations.shape[:-3], self.v_template
        betas = betas.expand(*batch, betas.shape[-1]).reshape(-1, betas.shape[-1]).to(like.dtype)
        rotations = rotations.reshape(-1, 24, 3, 3).to(like.dtype)
        model = (self.v_template, self.shapedirs, self.posedirs, self.J_regressor, self.parents, self.weights)
        with torch.autocast(like.device.type, enabled=False):
            vertices, joints = _skinning()(betas, rotations, *model, pose2rot=False)
        return vertices.reshape(*batch, len(like), 3), joints.reshape(*batch, 24, 3)

    def keypoints(self, vertices: Tensor, skeleton: str = 'h36m17') -> Tensor:
        """Vertices (..., V, 3) to the joints of h36m17 or coco17 (..., 17, 3), same unit.

        Raises:
            InputError: the model has no regressor of coco17.
        """
        regressor = {'h36m17': self.J_regressor_h36m, 'coco17': self.J_regressor_coco}.get(skeleton)
        if regressor is None:
            raise InputError(f'the body model has no regressor of {skeleton}; put J_regressor_coco.npy beside it')
        with torch.autocast(vertices.device.type, enabled=False):
            return torch.einsum('jv,...vc->...jc', regressor, vertices)


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


def _skinning() -> Callable[..., tuple[Tensor, Tensor]]:
    try:
        from smplx.lbs import lbs
    except ImportError as error:
        raise InputError('body models need smplx, which is not installed; run: pip install smplx') from error
    return lbs

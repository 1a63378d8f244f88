"""Losses of bone lengths, bone vectors and the angles between bones.

Which joints a bone joins, and which bones an angle lies between, is data of the
skeleton (``bones``, ``bone_pairs``). Poses and ``weight`` are those of the pose
losses; a bone counts where both of its joints have labels, an angle where both
of its bones have.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from ...skeletons import get_skeleton
from .functional import _labels, _mean, _pairs

_FORMS = ('absolute', 'squared', 'relative')


def limb_length(
    pred: Tensor,
    target: Tensor,
    form: str = 'absolute',
    skeleton: str = 'h36m17',
    weight: Tensor | None = None,
) -> Tensor:
    """Mean difference of the bone lengths (MotionBERT, limb length against the truth).

    Args:
        pred: (..., T, J, C).
        target: (..., T, J, C).
        form: ``'absolute'``: abs(a - b); ``'squared'``: (a - b)^2, which
            MotionBERT's unused bone length loss takes times 0.001;
            ``'relative'``: ((a - b) / b)^2, its unused bone ratio loss times 0.1.
        skeleton: joint set of the poses; needs a tree.
        weight: (..., T, J), see the module.

    Returns:
        0-dim tensor.

    Raises:
        InputError: shapes or skeleton disagree, or the form is unknown.
    """
    if form not in _FORMS:
        raise InputError(f'limb_length got form {form!r}, expected one of {", ".join(_FORMS)}')
    target = _labels(pred, target, weight)
    lengths, truth = (_vectors(x, skeleton).norm(dim=-1) for x in (pred, target))
    difference = lengths - truth
    if form == 'relative':
        difference = difference / torch.where(truth > 0, truth, 1)
    return _mean(difference.abs() if form == 'absolute' else difference.square(), _of_bones(weight, skeleton))


def limb_length_variance(
    pred: Tensor,
    target: Tensor | None = None,
    skeleton: str = 'h36m17',
    weight: Tensor | None = None,
) -> Tensor:
    """Mean over the bones of the variance of their predicted length over time, unbiased (MotionBERT).

    Args:
        pred: (..., T, J, C).
        target: not used; there so that all losses are called alike.
        skeleton: joint set of the poses; needs a tree.
        weight: (..., T, J), see the module; a frame counts for a bone or not,
            however large the weight. Bones seen in more frames weigh more, as
            in a pooled variance.

    Returns:
        0-dim tensor; 0 for a single frame.

    Raises:
        InputError: the skeleton does not fit.
    """
    lengths = _vectors(pred, skeleton).norm(dim=-1)
    seen = torch.ones_like(lengths) if weight is None else (_of_bones(weight, skeleton) > 0).to(lengths)
    count = seen.sum(-2, keepdim=True)
    mean = (seen * lengths).sum(-2, keepdim=True) / count.clamp(min=1)
    return (seen * (lengths - mean).square()).sum() / (count - 1).clamp(min=0).sum().clamp(min=1)


def bone_angle(pred: Tensor, target: Tensor, skeleton: str = 'h36m17', weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the angles between neighbouring bones, radians (MotionBERT).

    Arguments and errors as :func:`limb_length`.
    """
    target = _labels(pred, target, weight)
    return _mean((_angles(pred, skeleton) - _angles(target, skeleton)).abs(), _of_angles(weight, skeleton))


def bone_angle_velocity(pred: Tensor, target: Tensor, skeleton: str = 'h36m17', weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the angles' first differences in time, radians a frame; as :func:`bone_angle`."""
    target = _labels(pred, target, weight)
    change, truth = (_angles(x, skeleton).diff(dim=-2) for x in (pred, target))
    return _mean((change - truth).abs(), _pairs(_of_angles(weight, skeleton)))


def limb_symmetry(
    pred: Tensor,
    target: Tensor | None = None,
    skeleton: str = 'h36m17',
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute difference between the predicted lengths of left bones and of their right partners.

    MixSTE's unused symmetry penalty is 0.01 times the sum over its 6 pairs, so
    0.06 times this; arguments as :func:`limb_length_variance`.
    """
    lengths, known = _vectors(pred, skeleton).norm(dim=-1), _of_bones(weight, skeleton)
    joints = get_skeleton(skeleton)
    place = {child: i for i, (_, child) in enumerate(joints.bones)}
    left, right = ([place[child] for child in side if child in place] for side in (joints.left, joints.right))
    both = None if known is None else known[..., left] * known[..., right]
    return _mean((lengths[..., left] - lengths[..., right]).abs(), both)


def bone_velocity(
    pred: Tensor,
    target: Tensor | None = None,
    skeleton: str = 'h36m17',
    weight: Tensor | None = None,
) -> Tensor:
    """Mean length of the first differences in time of the predicted bone vectors; 0 if bones only shift.

    MixSTE's unused term of the name bone length consistency is 0.01 times the
    sum over its 16 bones, so 0.16 times this; a bone that turns adds to it.
    Arguments as :func:`limb_length_variance`; 0 for a single frame.
    """
    change = _vectors(pred, skeleton).diff(dim=-3).norm(dim=-1)
    return _mean(change, _pairs(_of_bones(weight, skeleton)))


def bone_length_consistency(labelled: Tensor, unlabelled: Tensor, skeleton: str = 'h36m17') -> Tensor:
    """Mean over the bones of the difference between their mean lengths in two sets of predictions.

    The gradient flows into both.

    Args:
        labelled: (..., J, C), predictions for clips with 3D labels.
        unlabelled: (..., J, C), predictions for clips without; as many as there are.
        skeleton: joint set of the poses; needs a tree.

    Returns:
        0-dim tensor.

    Raises:
        InputError: the skeleton does not fit.

    Source: Pavllo et al., "3D human pose estimation in video with temporal
    convolutions and semi-supervised training" (CVPR 2019), section 4.
    """
    first, second = (_vectors(x, skeleton).norm(dim=-1).flatten(0, -2).mean(0) for x in (labelled, unlabelled))
    return (first - second).abs().mean()


def _vectors(pose: Tensor, skeleton: str) -> Tensor:
    """Bone vectors (..., bones, C) in the order of the skeleton's ``bones``."""
    joints = get_skeleton(skeleton)
    if not joints.bones or pose.shape[-2] != joints.num_joints:
        expected = f'(..., {joints.num_joints}, C)' if joints.bones else 'a skeleton with a tree'
        raise InputError(
            f'a loss of bones got poses {tuple(pose.shape)} and the skeleton {joints.name}; expected {expected}, set '
            'skeleton to that of the poses'
        )
    parents, children = map(list, zip(*joints.bones, strict=True))
    return pose[..., children, :] - pose[..., parents, :]


def _of_bones(weight: Tensor | None, skeleton: str) -> Tensor | None:
    """Label weights of bones (..., T, bones) from those of joints."""
    if weight is None:
        return None
    parents, children = map(list, zip(*get_skeleton(skeleton).bones, strict=True))
    return weight[..., parents] * weight[..., children]


def _angles(pose: Tensor, skeleton: str) -> Tensor:
    """Angles (..., T, pairs) between bones; pi / 2 at a bone of length 0."""
    vectors = _vectors(pose, skeleton)
    first, second = map(list, zip(*get_skeleton(skeleton).bone_pairs, strict=True))
    cosines = F.cosine_similarity(vectors[..., first, :], vectors[..., second, :], dim=-1)
    return cosines.clamp(-1 + 1e-7, 1 - 1e-7).acos()  # the slope of acos is infinite at 1


def _of_angles(weight: Tensor | None, skeleton: str) -> Tensor | None:
    known = _of_bones(weight, skeleton)
    if known is None:
        return None
    first, second = map(list, zip(*get_skeleton(skeleton).bone_pairs, strict=True))
    return known[..., first] * known[..., second]

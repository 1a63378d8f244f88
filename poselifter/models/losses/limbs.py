"""Losses of bone lengths, bone vectors and the angles between bones.

Which joints a bone joins, and which bones an angle lies between, is data of the skeleton (``bones``, ``bone_pairs``).
Poses (..., T, J, C) and ``weight`` (..., T, J) are those of the pose losses; a bone counts where both of its joints
have labels, an angle where both of its bones have. ``skeleton`` is the joint set of the poses and needs a tree. A
``target`` that may be ``None`` is not used; it exists so that all losses are called alike. All return a 0-dim tensor
and raise ``InputError`` where shapes or skeleton disagree.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError
from ...skeletons import get_skeleton
from .functional import _labels, _mean, _pairs

_FORMS = ('absolute', 'squared', 'relative')


def limb_length(
    pred: Tensor, target: Tensor, form: str = 'absolute', skeleton: str = 'h36m17', weight: Tensor | None = None
) -> Tensor:
    """Mean difference of the bone lengths (MotionBERT, limb length against the truth); arguments: see the module.

    Args:
        form: ``'absolute'``: abs(a - b); ``'squared'``: (a - b)^2, which MotionBERT's unused bone length loss takes
            times 0.001; ``'relative'``: ((a - b) / b)^2, its unused bone ratio loss times 0.1.

    Raises:
        InputError: the form is unknown; see also the module.
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
    pred: Tensor, target: Tensor | None = None, skeleton: str = 'h36m17', weight: Tensor | None = None
) -> Tensor:
    """Mean over the bones of the variance of their predicted length over time, unbiased (MotionBERT).

    A frame counts for a bone or not, however large the weight. Bones seen in
    more frames weigh more, as in a pooled variance; 0 for a single frame.
    """
    lengths = _vectors(pred, skeleton).norm(dim=-1)
    seen = torch.ones_like(lengths) if weight is None else (_of_bones(weight, skeleton) > 0).to(lengths)
    count = seen.sum(-2, keepdim=True)
    mean = (seen * lengths).sum(-2, keepdim=True) / count.clamp(min=1)
    return (seen * (lengths - mean).square()).sum() / (count - 1).clamp(min=0).sum().clamp(min=1)


def bone_angle(pred: Tensor, target: Tensor, skeleton: str = 'h36m17', weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the angles between neighbouring bones, radians (MotionBERT)."""
    target = _labels(pred, target, weight)
    return _mean((_angles(pred, skeleton) - _angles(target, skeleton)).abs(), _of_angles(weight, skeleton))


def bone_angle_velocity(pred: Tensor, target: Tensor, skeleton: str = 'h36m17', weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the angles' first differences in time, radians a frame (MotionBERT)."""
    target = _labels(pred, target, weight)
    change, truth = (_angles(x, skeleton).diff(dim=-2) for x in (pred, target))
    return _mean((change - truth).abs(), _pairs(_of_angles(weight, skeleton)))


def limb_symmetry(
    pred: Tensor, target: Tensor | None = None, skeleton: str = 'h36m17', weight: Tensor | None = None
) -> Tensor:
    """Mean absolute difference between the predicted lengths of left bones and of their right partners.

    MixSTE's unused symmetry penalty is 0.01 times the sum over its 6 pairs, so 0.06 times this.
    """
    lengths, known = _vectors(pred, skeleton).norm(dim=-1), _of_bones(weight, skeleton)
    joints = get_skeleton(skeleton)
    place = {child: i for i, (_, child) in enumerate(joints.bones)}
    left, right = ([place[child] for child in side if child in place] for side in (joints.left, joints.right))
    return _mean((lengths[..., left] - lengths[..., right]).abs(), _both(known, list(zip(left, right, strict=True))))


def bone_velocity(
    pred: Tensor, target: Tensor | None = None, skeleton: str = 'h36m17', weight: Tensor | None = None
) -> Tensor:
    """Mean length of the first differences in time of the predicted bone vectors; 0 if bones only shift.

    MixSTE's unused term of the name bone length consistency is 0.01 times the sum over its 16 bones, so 0.16 times
    this; a bone that turns adds to it. 0 for a single frame.
    """
    change = _vectors(pred, skeleton).diff(dim=-3).norm(dim=-1)
    return _mean(change, _pairs(_of_bones(weight, skeleton)))


def bone_length_consistency(labelled: Tensor, unlabelled: Tensor, skeleton: str = 'h36m17') -> Tensor:
    """Mean over the bones of the difference between their mean lengths in two sets of predictions.

    The gradient flows into both.

    Args:
        labelled: (..., J, C), predictions for clips with 3D labels.
        unlabelled: (..., J, C), predictions for any number of clips without.
        skeleton: see the module.

    Source: Pavllo et al., "3D human pose estimation in video with temporal
    convolutions and semi-supervised training" (CVPR 2019), section 4.
    """
    first, second = (_vectors(x, skeleton).norm(dim=-1).flatten(0, -2).mean(0) for x in (labelled, unlabelled))
    return (first - second).abs().mean()


def _ends(values: Tensor, pairs: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """The values (..., N, C) of the first and of the second of each pair."""
    first, second = map(list, zip(*pairs, strict=True))
    return values[..., first, :], values[..., second, :]


def _both(weight: Tensor | None, pairs: Sequence[tuple[int, int]]) -> Tensor | None:
    """Weights (..., pairs) of terms that need both of a pair, from those (..., N) of its parts."""
    return None if weight is None else weight[..., torch.tensor(pairs)].prod(-1)


def _of_bones(weight: Tensor | None, skeleton: str) -> Tensor | None:
    return _both(weight, get_skeleton(skeleton).bones)


def _of_angles(weight: Tensor | None, skeleton: str) -> Tensor | None:
    return _both(_of_bones(weight, skeleton), get_skeleton(skeleton).bone_pairs)


def _vectors(pose: Tensor, skeleton: str) -> Tensor:
    """Bone vectors (..., bones, C) in the order of the skeleton's ``bones``."""
    joints = get_skeleton(skeleton)
    if not joints.bones or pose.shape[-2] != joints.num_joints:
        expected = f'(..., {joints.num_joints}, C)' if joints.bones else 'a skeleton with a tree'
        raise InputError(
            f'a loss of bones got poses {tuple(pose.shape)} and the skeleton {joints.name}; expected {expected}, set '
            'skeleton to that of the poses'
        )
    parents, children = _ends(pose, joints.bones)
    return children - parents


def _angles(pose: Tensor, skeleton: str) -> Tensor:
    """Angles (..., T, pairs) between bones; pi / 2 at a bone of length 0."""
    cosines = F.cosine_similarity(*_ends(_vectors(pose, skeleton), get_skeleton(skeleton).bone_pairs), dim=-1)
    return cosines.clamp(-1 + 1e-7, 1 - 1e-7).acos()  # the slope of acos is infinite at 1

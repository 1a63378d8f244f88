"""What a network knows of each joint, carried to a model of another joint set by the joints' names."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from ..skeletons import get_skeleton


def match_joints(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], per_joint: Collection[str], source: str, target: str
) -> tuple[dict[str, Tensor], list[str]]:
    """Takes over rows of joints by name.

    MixSTE on HumanEva from Human3.6M: each of the 15 joints gets the place that
    the joint of its name has among the 17.

    Args:
        weights: of the file.
        own: state dict of the model.
        per_joint: names of its tensors with a row for each joint, the axis
            before the last (:func:`~poselifter.models.parts.per_joint_parameters`).
        source: joint set of the file's input.
        target: joint set of the model's input.

    Returns:
        (``weights`` with those tensors in the model's order; joints that have
        no namesake in the file keep the model's rows, names of the tensors).
    """
    old, new = get_skeleton(source).joint_names, get_skeleton(target).joint_names
    pairs = [(i, old.index(name)) for i, name in enumerate(new) if name in old]
    rows, theirs = map(list, zip(*pairs, strict=True)) if pairs else ([], [])
    matched = {}
    for key, value in weights.items():
        name = key.removeprefix('module.')
        if name not in per_joint or name not in own:
            continue
        if (value.shape[-2], own[name].shape[-2]) == (len(old), len(new)):
            matched[key] = own[name].detach().to(value, copy=True)
            matched[key][..., rows, :] = value[..., theirs, :]
    return {**weights, **matched}, list(matched)


def match_checkpoint(
    checkpoint: dict[str, Any], own: Mapping[str, Tensor], per_joint: Collection[str], skeleton: str | None
) -> list[str]:
    """:func:`match_joints` for a checkpoint of ours whose joint set is another one.

    Args:
        checkpoint: as :func:`load_checkpoint_file` reads it; its
            ``state_dict`` is replaced.
        own, per_joint: of what shall start from it, see :func:`match_joints`.
        skeleton: joint set of the model's input.

    Returns:
        Names of the tensors that were matched; none where the joint set is the
        same or the file does not say.
    """
    source = (checkpoint.get('meta') or {}).get('skeleton')
    if not source or not skeleton or source == skeleton:
        return []
    checkpoint['state_dict'], names = match_joints(checkpoint['state_dict'], own, per_joint, source, skeleton)
    return names

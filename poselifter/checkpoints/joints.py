"""What a network knows of each joint, carried to a model of another joint set by the joints' names."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from ..skeletons import get_skeleton

# of these the axis before the last is that of the joints
_PER_JOINT = re.compile(r'(^|\.)(joint_embedding\.weight|class_token)$')


def match_joints(
    weights: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], source: str, target: str
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Takes over rows of joints by name.

    MixSTE on HumanEva from Human3.6M: each of the 15 joints gets the place that
    the joint of its name has among the 17.

    Args:
        weights: of the file.
        own: state dict of the model.
        source: joint set of the file's input.
        target: joint set of the model's input.

    Returns:
        (``weights`` with the tensors that have a row for each joint in the
        model's order; joints that have no namesake in the file keep the
        model's rows, names of those tensors).
    """
    old, new = get_skeleton(source).joint_names, get_skeleton(target).joint_names
    pairs = [(i, old.index(name)) for i, name in enumerate(new) if name in old]
    rows, theirs = map(list, zip(*pairs, strict=True)) if pairs else ([], [])
    found = {}
    for key, value in weights.items():
        name = key.removeprefix('module.')
        if not _PER_JOINT.search(name) or name not in own:
            continue
        if (value.shape[-2], own[name].shape[-2]) == (len(old), len(new)):
            found[key] = own[name].detach().to(value, copy=True)
            found[key][..., rows, :] = value[..., theirs, :]
    return {**weights, **found}, list(found)


def match_checkpoint(checkpoint: dict[str, Any], model: torch.nn.Module, skeleton: str | None) -> list[str]:
    """:func:`match_joints` for a checkpoint of ours whose joint set is another one.

    Args:
        checkpoint: as :func:`load_checkpoint_file` reads it; its
            ``state_dict`` is replaced.
        model: what shall start from it.
        skeleton: joint set of the model's input.

    Returns:
        Names of the tensors that were matched; none where the joint set is the
        same or the file does not say.
    """
    source = (checkpoint.get('meta') or {}).get('skeleton')
    if not source or not skeleton or source == skeleton:
        return []
    checkpoint['state_dict'], names = match_joints(checkpoint['state_dict'], model.state_dict(), source, skeleton)
    return names

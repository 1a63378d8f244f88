"""Parameters with a row for each joint, matched by joint name to a model of another joint set."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from ..skeletons import get_skeleton


def match_checkpoint(
    checkpoint: dict[str, Any], model_state: Mapping[str, Tensor], per_joint: Collection[str], skeleton: str | None
) -> list[str]:
    """Takes over rows of joints by name, where a checkpoint's joint set is another one.

    MixSTE on HumanEva from Human3.6M: each of the 15 joints gets the place that the joint of its name has among the 17.
    Joints that have no namesake in the file keep the model's rows.

    Args:
        checkpoint: as :func:`load_checkpoint_file` reads it; its ``state_dict``
            is replaced by one whose rows are in the model's order.
        model_state: state dict of the model.
        per_joint: names of its tensors with a row for each joint, the axis
            before the last (:func:`~poselifter.models.parts.per_joint_parameters`).
        skeleton: joint set of the model's input.

    Returns:
        Names of the tensors that were matched; none where the joint set is the same or the file does not say.
    """
    source = checkpoint['meta'].get('skeleton')
    if not source or not skeleton or source == skeleton:
        return []
    old, new = get_skeleton(source).joint_names, get_skeleton(skeleton).joint_names
    rows = [i for i, name in enumerate(new) if name in old]
    theirs = [old.index(new[i]) for i in rows]
    matched = {}
    for key, value in checkpoint['state_dict'].items():
        if key not in per_joint or key not in model_state:
            continue
        if (value.shape[-2], model_state[key].shape[-2]) == (len(old), len(new)):
            matched[key] = model_state[key].detach().to(value, copy=True)
            matched[key][..., rows, :] = value[..., theirs, :]
    checkpoint['state_dict'] = {**checkpoint['state_dict'], **matched}
    return list(matched)

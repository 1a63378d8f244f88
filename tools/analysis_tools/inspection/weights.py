"""Attention and fusion weights of a model on given clips."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import nn

from poselifter.errors import InputError
from poselifter.models.estimators import MotionEstimator
from poselifter.structures import MotionDataSample, WindowPolicy


def cut_clips(inputs: torch.Tensor, model: Any) -> tuple[torch.Tensor, Any]:
    """A sequence (T, J, C), or the first person of (M, T, J, C), as windows (W, length, J, C), and their cut.

    A window shows as many frames as the backbone takes, as far apart as the model has them when it lifts; a clip of
    exactly so many frames, as training data have, is a window already.
    """
    inputs, length = inputs.reshape(-1, *inputs.shape[-3:])[0], model.backbone.num_frames
    if isinstance(model, MotionEstimator) and len(inputs) != length:
        inputs = inputs[:: model.window.dilation]
    cut = WindowPolicy(length).cut(len(inputs))
    return inputs[torch.from_numpy(cut.inputs)], cut


def layers_with(
    network: nn.Module, kind: type[nn.Module], numbers: list[int] | None = None, **needed: Any
) -> dict[str, nn.Module]:
    """The parts of one class, by their names in the network, in the order of their layers.

    Args:
        network: a backbone, neck or head; its layers are the entries of its module lists, counted from 1.
        kind: class of the parts.
        numbers: of these layers only.
        **needed: values that attributes of a part must have.

    Raises:
        InputError: the network has no such part, or not in one of the layers.
    """
    parts = {name: part for name, part in network.named_modules() if isinstance(part, kind)}
    parts = {n: p for n, p in parts.items() if all(getattr(p, key) == value for key, value in needed.items())}
    layers = {name: layer_number(network, name) for name in parts}
    what = ' '.join([kind.__name__, *(f'over {value}' for value in needed.values())])
    if not parts:
        raise InputError(f'{type(network).__name__} has no {what}; choose a config that has it')
    absent = [number for number in numbers or () if number not in layers.values()]
    if absent:
        present = ', '.join(map(str, sorted(set(layers.values()))))
        raise InputError(f'--layer names {absent}, but {type(network).__name__} has {what} in layers {present}')
    return {name: parts[name] for name in sorted(parts, key=layers.get) if not numbers or layers[name] in numbers}


def layer_number(network: nn.Module, name: str) -> int:
    """Number of the layer of a part: its place, from 1, in the first module list on the way to it; 1 without any."""
    path = name.split('.')
    for depth, step in enumerate(path):
        if isinstance(network.get_submodule('.'.join(path[:depth])), nn.ModuleList):
            return int(step) + 1
    return 1


@torch.no_grad()
def record_weights(
    model: nn.Module, parts: Mapping[str, nn.Module], clips: torch.Tensor, mask: torch.Tensor | None = None
) -> dict[str, torch.Tensor]:
    """Runs clips through backbone and neck and records the ``weights`` of parts of them on their inputs.

    Args:
        model: an estimator or a pretrainer; the clips are not mirrored.
        parts: by name, see :func:`layers_with`.
        clips: (B, T, J, C) as the codec encodes them.
        mask: (B, T, J) bool, for a ``MaskedPosePretrainer``, which then also reconstructs the clips; ``None``: nothing
            is masked, and a pretrainer runs its backbone alone.

    Returns:
        The ``weights`` of each part that runs.
    """
    recorded: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        return lambda part, args: recorded.update({name: part.weights(*args).float().cpu()})

    device = next(model.parameters()).device
    clips = clips.to(device)
    with ExitStack() as hooks:
        for name, part in parts.items():
            hooks.enter_context(part.register_forward_pre_hook(keep(name)))
        if mask is not None:
            model(clips, MotionDataSample(mask=mask.to(device)))
        elif isinstance(model, MotionEstimator):
            model.extract_feat(clips)
        else:
            model.backbone(clips if model.codec is None else model.codec.normalize_window(clips))
    return recorded


def fusion_weights(model: nn.Module, part: nn.Module, inputs: torch.Tensor, batch_size: int = 64) -> np.ndarray:
    """The weight (T, J) of the first stream in the tokens of a whole sequence; a mean where windows overlap.

    Args:
        model: see :func:`record_weights`.
        part: an ``AdaptiveFusion`` of its backbone.
        inputs: (T, J, C) as the codec encodes it.
        batch_size: windows in one pass.

    Raises:
        InputError: the network does not use the part.
    """
    clips, cut = cut_clips(inputs, model)
    recorded = [record_weights(model, {'it': part}, batch).get('it') for batch in clips.split(batch_size)]
    if recorded[0] is None:
        raise InputError('this fusion has no part in what the network computes (a cascade of streams); see its config')
    weights = torch.cat(recorded)[:, -clips.shape[1] :, :, 0]  # a class token stands before the frames
    return cut.merge(weights).numpy()

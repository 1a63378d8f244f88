"""Published sizes by name, as plain modules without codec and data."""

import copy
import importlib
import os
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import cache
from typing import Any

from mmengine.config import Config
from torch import Tensor, nn

from ..checkpoints import load_weights
from ..errors import InputError
from ..utils import shipped_root
from .network import Network
from .parts import Tensors

for _room in ('backbones', 'estimators', 'heads', 'losses', 'necks', 'text_encoders'):  # which register their classes
    importlib.import_module(f'{__package__}.{_room}')


class Lifter(nn.Module, Network):
    """Backbone, optional neck and named heads as a plain module; parameters are named as in ``MotionEstimator``.

    Args:
        backbone: config of the backbone.
        heads: configs of the heads by name.
        neck: config of the neck.
    """

    def __init__(self, backbone: dict, heads: dict[str, dict], neck: dict | None = None) -> None:
        super().__init__()
        self.build_network(backbone, neck, heads)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor | Tensors:
        """Outputs of the heads for clips.

        Args:
            x: network-space keypoints (B, T, J, C), or (N, M, T, J, C) of M persons.
            valid: (B, T) bool, False for padded frames.

        Returns:
            The output of the only head (poses (B, T', K, 3) of a pose head), or outputs by the names of the heads.
        """
        features = self.features(x.flatten(0, 1) if x.ndim == 5 else x, valid)
        outputs = self.outputs(features, x.shape[1] if x.ndim == 5 else 1)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs


@cache
def model_sizes() -> dict[str, dict[str, Any]]:
    """Configs of the published sizes by name: those of ``configs/_base_/models``, and the rows of their ``sizes``."""
    configs = {}
    for path in sorted((shipped_root() / 'configs' / '_base_' / 'models').glob('*.py')):
        config = Config.fromfile(path)
        for name, change in {path.stem: {}, **config.get('sizes', {})}.items():
            size = Config({'model': config.model.to_dict()})
            size.merge_from_dict({'model': copy.deepcopy(change)})
            configs[name] = size.model.to_dict()
    return configs


def list_models(pattern: str = '*') -> list[str]:
    """Names that :func:`create_model` knows, sorted.

    Args:
        pattern: shell wildcard, e.g. ``'motionbert*'``.
    """
    return sorted(name for name in model_sizes() if fnmatch(name, pattern))


def create_model(name: str, pretrained: str | os.PathLike[str] | None = None, **overrides: Any) -> Lifter:
    """Builds a model of a published size.

    Args:
        name: one of :func:`list_models`.
        pretrained: a checkpoint that this toolbox wrote, or a published system's; read without executing anything from
            it. ``None`` means fresh weights.
        **overrides: arguments of the backbone that shall differ; ``neck`` and ``heads`` take dicts of what shall differ
            in them; ``None`` leaves a part out.

    Returns:
        The model: (B, T, J, C) -> (B, T', K, 3), or one such output a head.

    Raises:
        InputError: an unknown name or argument, or a file that cannot be read or holds another model.

    Example:
        >>> import torch
        >>> model = create_model('mixste', num_frames=9, embed_dims=16, depth=1)
        >>> model(torch.zeros(1, 9, 17, 2)).shape
        torch.Size([1, 9, 17, 3])
    """
    sizes = model_sizes()
    if name not in sizes:
        near = get_close_matches(name, sizes, n=3)
        hint = f'did you mean {" or ".join(near)}?' if near else 'list_models() gives the names'
        raise InputError(f'unknown model {name!r}; {hint}')
    size = copy.deepcopy(sizes[name])
    parts = {part: overrides.pop(part) for part in ('neck', 'heads') if part in overrides}
    backbone, neck = {**size['backbone'], **overrides}, _merged(size.get('neck'), parts.get('neck', {}))
    try:
        model = Lifter(backbone, _merged(size['heads'], parts.get('heads', {})), neck)
    except TypeError as error:  # of an argument that a part does not have
        raise InputError(
            f'create_model({name!r}): {error}; give arguments of {backbone["type"]}, neck, heads'
        ) from error
    if pretrained is not None:
        load_weights(model, pretrained)
    return model


def _merged(base: Any, change: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(change, Mapping):
        return base if change == {} else change
    merged = {**base, **{key: _merged(base.get(key, {}), value) for key, value in change.items()}}
    return {key: value for key, value in merged.items() if value is not None}

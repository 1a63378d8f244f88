"""Models of torch from a config and a checkpoint."""

import os
from typing import Any

from mmengine.config import Config
from torch import nn

from ..checkpoints import check_codec, load_checkpoint_file, load_weights
from ..engine.config import change_config, load_config
from ..engine.tool import config_errors
from ..registry import MODELS
from ..utils import load_plugins, set_default_scope
from ..utils.device import check_device
from . import zoo


def init_model(
    config: str | os.PathLike[str] | Config,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str = 'cpu',
    cfg_options: dict[str, Any] | None = None,
    variant: str | None = None,
) -> nn.Module:
    """Builds a model in eval mode.

    Args:
        config: a config file, a loaded config, or a name of the zoo, whose weights are then the default checkpoint.
        checkpoint: a file or a name of the zoo; ``None`` leaves the model as initialised (unless ``config`` is a name).
        device: for example ``'cpu'`` or ``'cuda:0'``.
        cfg_options: changes to the config, ``{'model.test_cfg.flip_test': False}``.
        variant: one of the config's variants; of a model of the zoo by default its variant.

    Returns:
        The model; ``model.cfg`` is its config.

    Raises:
        InputError: no such file, name or variant, an option that leads nowhere, or a checkpoint that does not fit.
    """
    load_plugins()
    set_default_scope()
    published = None
    if not isinstance(config, Config):
        if not str(config).endswith('.py'):
            published = zoo.find(str(config))
            config, checkpoint, variant = published.config, checkpoint or published.name, variant or published.variant
        config = load_config(config)
    config = change_config(config, cfg_options, variant)
    check_device(device)
    with config_errors(config):
        model = MODELS.build(config.model)
    if checkpoint is not None:
        path = zoo.resolve(str(checkpoint))
        weights = load_checkpoint_file(path)
        check_codec(weights, config.get('codec'), path)
        load_weights(model, weights)
    model.cfg = config
    if published and checkpoint == published.name:
        model.cfg.model_name = published.name
        model.cfg.licence = published.metadata['Metadata'].get('License')
        if 'Uncertainty' in published.metadata:
            model.cfg.uncertainty = published.metadata['Uncertainty']
    return model.to(device).eval()

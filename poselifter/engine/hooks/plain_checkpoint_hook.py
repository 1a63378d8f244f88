"""Checkpoints as plain data, with the metadata needed to interpret a model."""

from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...checkpoints import FORMAT_VERSION, match_checkpoint
from ...models.parts import per_joint_parameters
from ...registry import CODECS, HOOKS
from ...version import __version__
from ..compat import hub_from_plain, hub_to_plain, to_plain
from ..switches import unwrapped


def checkpoint_metadata(config: Config) -> dict[str, Any]:
    """Metadata needed to interpret a model, for the ``meta`` of its checkpoints.

    Args:
        config: with ``codec`` at its top level.

    Returns:
        The codec's config, and where it has them names of both joint sets,
        frame rate and unit of the network; nothing where the config has no codec.
    """
    if not config.get('codec'):
        return {}
    codec = CODECS.build(config.codec)
    metadata = {'codec': to_plain(config.codec, 'codec'), 'skeleton': codec.skeleton.name, 'fps': codec.fps}
    if codec.skeleton_3d is not None:
        metadata |= {'skeleton_3d': codec.skeleton_3d.name, 'unit': codec.unit}
    return metadata


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Makes checkpoints readable with ``weights_only=True`` and adds the metadata of the model.

    ``meta`` gets ``format_version``, ``poselifter_version`` and :func:`checkpoint_metadata` the config.
    :class:`~poselifter.engine.MotionRunner` always registers this hook.
    """

    priority = 'LOWEST'  # after hooks that add to the checkpoint

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Changes the checkpoint's entries to plain data."""
        metadata = {
            **checkpoint_metadata(runner.cfg),
            'format_version': FORMAT_VERSION,
            'poselifter_version': __version__,
        }
        checkpoint['meta'].update(metadata)
        checkpoint['message_hub'] = hub_to_plain(checkpoint['message_hub'])
        for key, value in checkpoint.items():
            if key == 'param_schedulers':
                value = _without_functions(value)
            if not key.endswith('state_dict') and key != 'message_hub':
                checkpoint[key] = to_plain(value, key)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Gives mmengine back the objects it expects, and a start from another joint set its rows by name."""
        if runner._resume:
            if 'message_hub' in checkpoint:
                checkpoint['message_hub'] = hub_from_plain(checkpoint['message_hub'])
            self._restore_dataset_meta(runner, checkpoint['meta'])
        else:
            model = unwrapped(runner.model)
            skeleton, per_joint = checkpoint_metadata(runner.cfg).get('skeleton'), per_joint_parameters(model)
            names = match_checkpoint(checkpoint, model.state_dict(), per_joint, skeleton)
            if names:
                runner.logger.info(f'rows of joints taken over by name, the joint sets differ: {", ".join(names)}')

    def _restore_dataset_meta(self, runner: Runner, meta: dict[str, Any]) -> None:
        """Restores the meta of the data set, whose pickles mmengine compares and would warn about if equal."""
        current = getattr(runner.train_dataloader.dataset, 'metainfo', None)
        if repr(to_plain(current)) == repr(meta.get('dataset_meta')):
            meta['dataset_meta'] = current


def _without_functions(state: Any) -> Any:
    """State without functions: OneCycleLR keeps its curve, which a scheduler that is loaded has already."""
    if isinstance(state, list):
        return [_without_functions(item) for item in state]
    if isinstance(state, dict):
        return {key: _without_functions(item) for key, item in state.items() if not callable(item)}
    return state

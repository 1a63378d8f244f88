"""What our checkpoints hold: plain data, and the facts a model cannot be used without."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...registry import HOOKS
from ...version import __version__
from ..compat import hub_from_plain, hub_to_plain, to_plain

FORMAT_VERSION = 1
_FACTS = ('codec', 'skeleton', 'skeleton_3d', 'fps', 'unit')


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Makes checkpoints readable with ``weights_only=True`` and says what their numbers mean.

    ``meta`` gets ``format_version``, ``poselifter_version`` and, where the
    config names them at its top level, ``codec``, ``skeleton``,
    ``skeleton_3d``, ``fps`` and ``unit``.
    :class:`~poselifter.engine.MotionRunner` always registers this hook.
    """

    priority = 'LOWEST'  # after hooks that add to the checkpoint

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Changes the checkpoint's entries to plain data."""
        facts = {key: runner.cfg.get(key) for key in _FACTS if runner.cfg.get(key) is not None}
        checkpoint['meta'].update(facts, format_version=FORMAT_VERSION, poselifter_version=__version__)
        checkpoint['message_hub'] = hub_to_plain(checkpoint['message_hub'])
        for key, value in checkpoint.items():
            if not key.endswith('state_dict') and key != 'message_hub':
                checkpoint[key] = to_plain(value, key)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Gives mmengine back the objects it expects."""
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = hub_from_plain(checkpoint['message_hub'])
        if runner._resume and isinstance(checkpoint.get('meta'), dict):
            self._restore_dataset_meta(runner, checkpoint['meta'])

    def _restore_dataset_meta(self, runner: Runner, meta: dict[str, Any]) -> None:
        """mmengine compares pickles and would warn about equal contents."""
        current = getattr(runner.train_dataloader.dataset, 'metainfo', None)
        if repr(to_plain(current)) == repr(meta.get('dataset_meta')):
            meta['dataset_meta'] = current

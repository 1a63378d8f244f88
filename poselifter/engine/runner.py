"""The runner of every training and test."""

from __future__ import annotations

import copy
import logging
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from ..errors import InputError
from ..registry import RUNNERS
from .compat import start_cpu_processes, unique_name, wrap_cpu_model
from .hooks import CheckpointHook, PlainCheckpointHook, StatelessRandomHook

_FILE_ONLY = (  # starts of messages: long, or about mmengine's own code
    *('\n----', 'Config:', 'Hooks will be executed', 'Exp name:', 'Distributed training is not used'),
    *('"FileClient" will be', '"HardDiskBackend" is', 'The prefix is not set in metric'),
)
_TRAINING_STATE = ('message_hub', 'optimizer', 'param_schedulers')


def _wanted_on_console(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FILE_ONLY)


@RUNNERS.register_module()
class MotionRunner(Runner):
    """mmengine's runner with exact resume, safe checkpoints and processes on the CPU.

    Whatever the config's hooks are, :class:`StatelessRandomHook` and
    :class:`PlainCheckpointHook` are registered. The environment, the config
    and the list of hooks go to the log file only.
    """

    @classmethod
    def from_cfg(cls, cfg: Config | dict) -> MotionRunner:
        """Builds a runner; ``default_scope`` is ``poselifter`` unless the config says otherwise."""
        cfg = copy.deepcopy(cfg)
        cfg.setdefault('default_scope', 'poselifter')
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Sets up processes, threads and limits."""
        if self.distributed and not torch.cuda.is_available() and not torch.distributed.is_initialized():
            start_cpu_processes(self.launcher, env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)
        self._timestamp = unique_name(self._timestamp)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Builds the logger and keeps the long dumps off its console."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_wanted_on_console)
        return logger

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wraps the model for several processes."""
        if not self.distributed or torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, model)
        return wrap_cpu_model(model, model_wrapper_cfg, self.cfg.get('find_unused_parameters', False))

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        """Registers the config's hooks, and those without which resume would not be exact or safe."""
        super().register_hooks(default_hooks, custom_hooks)
        for hook in (StatelessRandomHook, PlainCheckpointHook):
            if not any(isinstance(other, hook) for other in self.hooks):
                self.register_hook(hook())

    def test(self) -> dict:
        """Tests; the checkpoint must fit the model in every tensor."""
        self._testing = True
        return super().test()

    def load_or_resume(self) -> None:
        """Loads or resumes; resuming without a file takes the newest complete one of the work folder."""
        if not self._has_loaded and self._resume and self._load_from is None:
            self._load_from = self._newest_complete_checkpoint()
            if self._load_from is None:
                self.logger.warning(f'no checkpoint in {self.work_dir} to resume; training starts from the beginning')
                return
        super().load_or_resume()

    def _newest_complete_checkpoint(self) -> str | None:
        hook = next((hook for hook in self.hooks if isinstance(hook, CheckpointHook)), None)
        paths = hook.saved_checkpoints(self.work_dir) if hook else []
        for path in paths:
            try:
                CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')
                return str(path)
            except InputError as error:
                self.logger.warning(f'{error}; falling back to the checkpoint before it')
        if paths:
            raise InputError(f'no checkpoint in {self.work_dir} is complete; train without --resume')
        return None

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool | None = None,
        revise_keys: list[tuple[str, str]] = [(r'^module\.', '')],  # noqa: B006  as in mmengine
    ) -> dict[str, Any]:
        """Loads weights.

        Args:
            filename: the file, or an http(s) address.
            map_location: device for the tensors.
            strict: whether every tensor must fit; ``None`` means yes for
                resuming and testing, no for ``load_from`` before a training.
            revise_keys: (pattern, replacement) for the names in the file.

        Returns:
            The checkpoint.

        Raises:
            InputError: the weights do not fit, or ``resume`` was asked for and
                the file holds no training state.
        """
        strict = self._resume or getattr(self, '_testing', False) if strict is None else strict
        model = self.model.module if is_model_wrapper(self.model) else self.model
        try:
            checkpoint = super().load_checkpoint(filename, map_location, strict, revise_keys)
        except RuntimeError as error:
            reasons = ' '.join(str(error).split())
            raise InputError(
                f'{filename} does not fit the model ({reasons[:400]}{"..." if len(reasons) > 400 else ""}); '
                f'use the config that it was trained with'
            ) from error
        weights = checkpoint.get('state_dict', checkpoint)
        if not any(key.removeprefix('module.') in weights for key in model.state_dict()):
            raise InputError(f'{filename} has no tensor of the model; use a checkpoint of this model')
        if self._resume and not all(key in checkpoint for key in _TRAINING_STATE[: 2 + bool(self.param_schedulers)]):
            raise InputError(
                f'{filename} holds weights but no training state; resume from an epoch_*.pth or iter_*.pth, '
                f'or start from the weights with --cfg-options load_from={filename}'
            )
        return checkpoint

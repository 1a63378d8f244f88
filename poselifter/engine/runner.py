"""The runner of every training and test."""

import copy
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.hooks import EMAHook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, CheckpointLoader, EpochBasedTrainLoop, Runner
from mmengine.runner.checkpoint import load_state_dict
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from ..checkpoints import check_kinds
from ..errors import InputError
from ..models.parts import BaseHead, CaptionedModel, DistillingModel
from ..registry import METRICS, RUNNERS
from ..utils.files import sweep
from .compat import end_workers, start_cpu_processes, unique_name, wrap_cpu_model
from .config import check_start
from .dry_run import checkpoint_bytes, free_bytes
from .failures import ended_if_alone, parts_of, reason_of
from .hooks import (
    CheckpointHook,
    DivergenceHook,
    FreezeHook,
    PlainCheckpointHook,
    ResumedValidationHook,
    StatelessRandomHook,
    TeacherUpdateHook,
)
from .resume import optimizer_difference
from .sharding import clip_as_a_whole, gathered, is_sharded, local_state
from .switches import compile_losses, freeze, unwrapped

_FILE_ONLY = (  # starts of messages: long, or about mmengine's code
    *('\n----', 'Config:', 'Hooks will be executed', 'Exp name:', 'Distributed training is not used'),
    *('"FileClient" will be', '"HardDiskBackend" is', 'The prefix is not set in metric'),
)
_PATIENCE = 600  # seconds without a batch from a loader's workers; a config sets `timeout` of its loader
_TIMEOUT = 1800  # seconds in which processes come together; a config sets `env_cfg.dist_cfg.timeout`
_TRAINING_STATE = ('message_hub', 'optimizer', 'param_schedulers')


def _is_for_console(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FILE_ONLY)


@RUNNERS.register_module()
class MotionRunner(Runner):
    """mmengine's runner with exact resume, safe checkpoints and processes on the CPU.

    Whatever the config's hooks are, :class:`StatelessRandomHook` and :class:`PlainCheckpointHook` are registered, and
    :class:`TeacherUpdateHook` for a :class:`DistillingModel`. A :class:`CaptionedModel` is given the captions of the
    training data. Of the config it also reads ``frozen_modules`` (names of modules) and ``total_batch_size`` (of all
    processes). The environment, the config and the list of hooks go to the log file only.
    """

    start_from: str | None = None
    """Weights to start from where nothing is resumed."""
    _testing = False

    @classmethod
    def from_cfg(cls, cfg: Config | dict) -> 'MotionRunner':
        """Builds a runner; ``default_scope`` is ``poselifter`` unless the config says otherwise."""
        cfg = copy.deepcopy(cfg)
        cfg.setdefault('default_scope', 'poselifter')
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Sets up processes, threads and limits."""
        settings = env_cfg.get('dist_cfg', {})
        # to connect, and then to meet, each takes up to the timeout
        with ended_if_alone(2 * settings.get('timeout', _TIMEOUT) + 5) if self.distributed else nullcontext():
            if self.distributed and not torch.cuda.is_available() and not torch.distributed.is_initialized():
                start_cpu_processes(self.launcher, settings)
            super().setup_env(env_cfg)
        self._timestamp = unique_name(self._timestamp)

    def set_randomness(self, seed: int | None, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        """Seeds; what runs on GPUs needs a variable more to be deterministic."""
        if deterministic:
            os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        super().set_randomness(seed, diff_rank_seed, deterministic)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Builds the logger and keeps the long dumps off its console."""
        logging.raiseExceptions = False  # on a full disk every line would be a traceback, before what ends the run
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_for_console)
        return logger

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Builds the model; freezes parts before its wrapper and the optimiser look at them."""
        model = super().build_model(model)
        freeze(model, self.cfg.get('frozen_modules') or ())
        return model

    def build_optim_wrapper(self, optim_wrapper: OptimWrapper | dict) -> OptimWrapper:
        """Builds the optimiser, with our constructor unless the config names one."""
        if isinstance(optim_wrapper, dict) and isinstance(optim_wrapper.get('optimizer'), dict):
            optim_wrapper = {'constructor': 'poselifter.MotionOptimWrapperConstructor', **optim_wrapper}
        optim_wrapper = super().build_optim_wrapper(optim_wrapper)
        if is_sharded(self.model):
            clip_as_a_whole(self.model, optim_wrapper)
        return optim_wrapper

    def build_evaluator(self, evaluator: Evaluator | dict | list) -> Evaluator:
        """Builds the evaluator; mmengine takes every dict with ``metrics`` for one, a ``PoseMetric`` too.

        Its processes exchange entries by messages: mmengine's files in the current folder stay there after a kill, and
        machines need not share a disk.
        """
        if isinstance(evaluator, dict) and str(evaluator.get('type')) in METRICS:
            evaluator = [evaluator]
        built = super().build_evaluator(evaluator)
        for metric in built.metrics:
            if metric.collect_dir is None:
                metric.collect_device = 'gpu'  # as mmengine calls it; on CPUs too
        return built

    @staticmethod
    def build_dataloader(dataloader: DataLoader | dict, *args: Any, **kwargs: Any) -> DataLoader:
        """Builds a loader, which keeps no workers where it has none.

        Raises:
            InputError: the data does not fill a batch.
        """
        if isinstance(dataloader, dict) and not dataloader.get('num_workers'):
            rest = ('persistent_workers', 'prefetch_factor')
            dataloader = {key: value for key, value in dataloader.items() if key not in rest}
        elif isinstance(dataloader, dict):
            dataloader = {'timeout': _PATIENCE, **dataloader}
        loader = Runner.build_dataloader(dataloader, *args, **kwargs)
        if not isinstance(loader.dataset, IterableDataset) and not len(loader):
            raise InputError(
                f'{len(loader.dataset)} samples of {type(loader.dataset).__name__} do not fill a batch of '
                f'{loader.batch_size}; lower batch_size, or set drop_last=False'
            )
        return loader

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Builds the loop; each process takes its part of ``total_batch_size``."""
        total, loader = self.cfg.get('total_batch_size'), self._train_dataloader
        if total and isinstance(loader, dict):
            if total % self.world_size or not isinstance(loader.get('batch_size', total), int):
                raise InputError(
                    f'total_batch_size is {total} for {self.world_size} processes and train_dataloader.batch_size '
                    f'{loader.get("batch_size")}; expected a multiple of the processes, and one size for all sources'
                )
            self._train_dataloader = copy.copy(loader)
            self._train_dataloader['batch_size'] = total // self.world_size
        return super().build_train_loop(loop)

    def train(self) -> nn.Module:
        """Trains; a model that learns from captions gets those of the training data first.

        Raises:
            InputError: the data lacks captions, has classes that a head lacks, or batches of one clip.
        """
        model = unwrapped(self.model)
        for loop in filter(None, (self.train_loop, self.val_loop)):
            self._check_classes(loop)
        if isinstance(model, CaptionedModel):
            dataset = self.train_loop.dataloader.dataset
            model.texts = _texts_of(dataset) or model.texts
            counts = [part.metainfo.get('text_counts') for part in parts_of(dataset) if _texts_of(part)]
            model.text_counts = [sum(of_text) for of_text in zip(*counts, strict=True)] if all(counts) else None
            if not model.texts:
                raise InputError(
                    f'{type(model).__name__} learns from captions, but the data of train_dataloader has none; take a '
                    f'data set with captions (CMU, BABEL, procedural)'
                )
        self._check_disk()
        if self.rank == 0:  # where the next run writes into others
            for folder in Path(self.work_dir).glob('*/vis_data'):
                sweep(folder)
        return self._run(super().train)

    def _check_disk(self) -> None:
        """Checks that the checkpoints will have room."""
        size, count = checkpoint_bytes(self)
        free = free_bytes(self.work_dir)
        if self.rank == 0 and size * count > free:
            raise InputError(
                f'{count} checkpoints of {size / 1e6:.1f} MB do not fit on the disk of {self.work_dir}, which has '
                f'{free / 1e6:.1f} MB free; set --work-dir to another disk, or a lower default_hooks.checkpoint.'
                f'max_keep_ckpts'
            )

    def _check_classes(self, loop: BaseLoop, trained: Sequence[str] | None = None) -> None:
        """Checks that heads for classes have those of the data which trains or measures them, in the same order."""
        heads = [module for module in unwrapped(self.model).modules() if isinstance(module, BaseHead)]
        counts = [head.num_classes for head in heads if head.num_classes]
        metrics = [] if loop is self._train_loop else loop.evaluator.metrics
        if not counts or (metrics and not any('pred_scores' in getattr(metric, 'fields', ()) for metric in metrics)):
            return
        for dataset in parts_of(loop.dataloader.dataset):
            tested = getattr(dataset, 'metainfo', {}).get('actions')
            if trained and tested and list(trained) != list(tested):
                raise InputError(
                    f'the model numbers the actions {", ".join(trained)}, the data {", ".join(tested)}; set classes of '
                    f'its dataset to those of the training'
                )
            check = getattr(dataset, 'check_classes', None)  # data sets of plugins need not have it
            if check:
                check(min(counts))

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wraps the model for several processes."""
        if 'FullyShardedDataParallel' in str((model_wrapper_cfg or {}).get('type')) and self.distributed:
            model.init_weights()  # later no process has whole weights
        if not self.distributed or torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, model)
        return wrap_cpu_model(model, model_wrapper_cfg, self.cfg.get('find_unused_parameters', False))

    def _init_model_weights(self) -> None:
        if not is_sharded(self.model):
            super()._init_model_weights()

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        """Registers the config's hooks, and those without which resume would not be exact or safe."""
        super().register_hooks(default_hooks, custom_hooks)
        required = [StatelessRandomHook(), PlainCheckpointHook(), DivergenceHook(), ResumedValidationHook()]
        distilling = isinstance(unwrapped(self.model), DistillingModel)
        if distilling:
            required.append(TeacherUpdateHook())
        if self.cfg.get('frozen_modules'):
            required.append(FreezeHook(self.cfg.frozen_modules))
        averaged = distilling or any(isinstance(hook, EMAHook) for hook in self.hooks)
        if averaged and is_sharded(self.model):
            raise InputError(
                'averaged weights (EMAHook, a teacher) cannot be kept of a model that FSDP spreads over processes; '
                'leave model_wrapper_cfg out'
            )
        for hook in required:
            if not any(isinstance(other, type(hook)) for other in self.hooks):
                self.register_hook(hook)

    def _maybe_compile(self, target: str) -> None:
        options = self.cfg.get('compile')
        if options:
            compile_losses(unwrapped(self.model), {} if options is True else dict(options))

    def test(self) -> dict:
        """Tests; the checkpoint must fit the model in every tensor."""
        self._testing = True
        return self._run(super().test)

    def _run(self, method: Callable[[], Any]) -> Any:
        """Trains or tests, says in a sentence what stopped it from outside, and ends the workers of its loaders."""
        try:
            result = method()
        except InputError:
            raise
        except Exception as error:  # of a worker that is killed mmengine makes others, wherever it is at that moment
            loop = self._test_loop if self._testing else self._train_loop
            reason = reason_of(error, loop.dataloader)
            if reason is None:
                raise
            raise InputError(reason) from error
        for loop in (self._train_loop, self._val_loop, self._test_loop):
            end_workers(getattr(loop, 'dataloader', None))
        return result

    def load_or_resume(self) -> None:
        """Loads or resumes; resuming without a file takes the newest complete one of the work folder."""
        if self._resume and self.rank == 0:  # what a killed run of version 0.1.0 left; later ones sweep by locks
            for path in Path(self.work_dir).glob('.*.????????.pth'):
                path.unlink(missing_ok=True)
        if not self._has_loaded and self._resume and self._load_from is None:
            self._load_from = self._newest_complete_checkpoint()
            if self._load_from is None:
                self.logger.warning(f'no checkpoint in {self.work_dir} to resume; training starts from the beginning')
                check_start(self.start_from, self.cfg)
                self._resume, self._load_from = False, self.start_from
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

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Resumes.

        Raises:
            InputError: the training state is damaged, of another optimiser, or of a longer training.
        """
        try:
            super().resume(filename, *args, **kwargs)
            by_epoch = isinstance(self.train_loop, EpochBasedTrainLoop)
            done, end = (self.epoch, self.max_epochs) if by_epoch else (self.iter, self.max_iters)
            if not 0 <= done <= end:
                raise ValueError(f'it has {done} epochs or iterations, the config {end}')
        except InputError:
            raise
        except Exception as error:  # other people's files fail in any way
            reason = str(error) if type(error) is ValueError else f'{type(error).__name__}: {error}'
            raise InputError(
                f'{filename} cannot be resumed: {reason}; train on with the config that it was trained with, or start '
                f'from its weights with --cfg-options load_from={filename}'
            ) from error

    def load_checkpoint(
        self, filename: str, map_location: Any = 'cpu', strict: bool | None = None, **_: Any
    ) -> dict[str, Any]:
        """Loads weights.

        Args:
            filename: the file, or an http(s) address.
            map_location: device for the tensors.
            strict: whether every tensor must fit; ``None`` means yes for
                resuming and testing, no for ``load_from`` before a training.
            **_: of mmengine; names in the file have no prefixes any more.

        Returns:
            The checkpoint.

        Raises:
            InputError: the weights do not fit, or ``resume`` was asked for and the file holds no training state.
        """
        strict = self._resume or self._testing if strict is None else strict
        sharded = is_sharded(self.model)
        checkpoint = CheckpointLoader.load_checkpoint(filename, 'cpu' if sharded else map_location, logger='silent')
        try:
            with gathered(self.model, None) if sharded else nullcontext():  # hooks may look at the model
                self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
            if sharded:
                self.model.load_state_dict(checkpoint['state_dict'], strict=strict)
            else:
                load_state_dict(unwrapped(self.model), OrderedDict(checkpoint['state_dict']), strict, self.logger)
        except RuntimeError as error:
            reasons = ' '.join(str(error).split())
            raise InputError(
                f'{filename} does not fit the model ({reasons[:400]}{"..." if len(reasons) > 400 else ""}); '
                f'use the config that it was trained with'
            ) from error
        weights, state = checkpoint['state_dict'], unwrapped(self.model).state_dict()
        check_kinds(state, weights, filename)
        if not state.keys() & weights.keys():
            raise InputError(f'{filename} has no tensor of the model; use a checkpoint of this model')
        if self._testing:
            self._check_classes(self.test_loop, (checkpoint['meta'].get('dataset_meta') or {}).get('actions'))
        if self._resume and not all(key in checkpoint for key in _TRAINING_STATE[: 2 + bool(self.param_schedulers)]):
            raise InputError(
                f'{filename} holds weights but no training state; resume from an epoch_*.pth or iter_*.pth, '
                f'or start from the weights with --cfg-options load_from={filename}'
            )
        if self._resume and 'optimizer' in checkpoint and isinstance(self.optim_wrapper, OptimWrapper):
            optimizer = self.optim_wrapper.optimizer
            if sharded:
                checkpoint['optimizer'] = local_state(self.model, optimizer, checkpoint['optimizer'])
            difference = optimizer_difference(optimizer, checkpoint['optimizer'])
            if difference:
                raise ValueError(difference)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Saves a checkpoint; one of weights that are spread over processes is as of one process."""
        optim_wrapper = self.optim_wrapper if kwargs.get('save_optimizer', True) else None
        with gathered(self.model, optim_wrapper) if is_sharded(self.model) else nullcontext():
            super().save_checkpoint(*args, **kwargs)


def _texts_of(dataset: Any) -> list[str]:
    """Table of texts that the captions of a data set index; one for all of its parts that have captions."""
    tables = [getattr(part, 'metainfo', {}).get('texts') for part in parts_of(dataset)]
    tables = [table for table in tables if table]
    if any(table != tables[0] for table in tables):
        raise InputError(
            'the data sets of train_dataloader have captions from different tables of texts, which one model cannot '
            'index; train on one of them, or take the captions out of the others'
        )
    return list(tables[0]) if tables else []

"""Optimiser with layer-wise learning rates, gradients times the loss, and warm-up of single parameter groups."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mmengine.dist import all_reduce
from mmengine.logging import MMLogger, print_log
from mmengine.optim import DefaultOptimWrapperConstructor, LinearLR, OptimWrapper
from torch import Tensor, nn

from ..errors import InputError
from ..models.parts import BaseBackbone
from ..registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, PARAM_SCHEDULERS

_FUSED = ('Adam', 'AdamW', 'SGD')  # that torch steps in one operation, on CPUs and GPUs


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MotionOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, with few named groups, layer-wise rates, and one table, not a line for each parameter.

    Parameters with the same key of ``custom_keys``, layer, rate and weight decay are one group; its ``name`` is the
    key, the layer, ``rest``, or ``all`` where it is the only one. Frozen parameters are left out.
    :class:`~poselifter.engine.MotionRunner` takes it where a config names no constructor. Optimisers that have a fused
    step take it, unless the config says ``fused=False``.

    Args:
        optim_wrapper_cfg: see mmengine.
        paramwise_cfg: see mmengine; also ``layer_decay``: layer i of n of the backbone, from 0, gets the rate times
            ``layer_decay ** (n - i)``, what comes before the layers (embeddings) ``layer_decay ** (n + 1)``, what comes
            after them 1 (BEiT).

    Raises:
        InputError: every parameter is frozen, or ``layer_decay`` finds no layers or no rate.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg or {'custom_keys': {}})  # never empty: see add_params
        if self.optimizer_cfg['type'] in _FUSED:
            self.optimizer_cfg = {'fused': True, **self.optimizer_cfg}

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the wrapper and logs the table of its groups."""
        wrapper = super().__call__(model)
        rows = [('name', 'lr', 'weight decay', 'tensors', 'parameters')]
        rows += [
            _row(g['name'], g['params'], g.get('lr'), g.get('weight_decay')) for g in wrapper.optimizer.param_groups
        ]
        frozen = [p for p in model.parameters() if not p.requires_grad]
        rows += [_row('(frozen)', frozen)] if frozen else []
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        print_log('\n  '.join(['parameter groups:', *lines]), 'current')
        return wrapper

    def add_params(
        self, params: list[dict], module: nn.Module, prefix: str = '', is_dcn_module: int | float | None = None
    ) -> None:
        """Extends ``params`` by merged groups; mmengine's makes one of each parameter, and a line in the log."""
        if prefix:  # mmengine's recursion
            super().add_params(params, module, prefix, is_dcn_module)
            return
        logger, single = MMLogger.get_current_instance(), []
        logger.disabled = True
        try:
            super().add_params(single, module)
        finally:
            logger.disabled = False
        if not single:
            raise InputError('every parameter is frozen, expected some to train; mend frozen_modules in the config')
        params.extend(self._merge(single, module))

    def _merge(self, single: list[dict], model: nn.Module) -> list[dict]:
        names = {id(p): name.replace('_fsdp_wrapped_module.', '') for name, p in model.named_parameters()}
        factors = self._layer_factors(model, list(names.values()))
        keys = sorted(sorted(self.paramwise_cfg.get('custom_keys', {})), key=len, reverse=True)  # as mmengine
        groups: dict[tuple, dict] = {}
        for entry in single:
            parameter = entry.pop('params')[0]
            name = names.pop(id(parameter), None)
            if name is None:
                continue  # shared with a module before
            label, factor = factors.get(name, ('rest', 1))
            label = ' '.join([key for key in keys if key in name][:1] + [label] * (label != 'rest')) or label
            options = {key: value for key, value in entry.items() if key not in ('lr_mult', 'decay_mult')}
            if factor != 1:
                options['lr'] = options.get('lr', self.base_lr) * factor
            group = groups.setdefault((label, repr(sorted(options.items()))), {'params': [], **options})
            group['params'].append(parameter)
        counts = Counter(label for label, _ in groups)
        for (label, _), group in groups.items():
            decay = f' (weight_decay={group.get("weight_decay", self.base_wd)})' if counts[label] > 1 else ''
            group.setdefault('name', 'all' if len(groups) == 1 and label == 'rest' else label + decay)
        return list(groups.values())

    def _layer_factors(self, model: nn.Module, names: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Label and factor of the backbone's parameters up to the last layer; empty without ``layer_decay``."""
        decay = self.paramwise_cfg.get('layer_decay')
        if decay is None:
            return {}
        backbone = next((module for module in model.modules() if isinstance(module, BaseBackbone)), None)
        depth = backbone.num_layers if backbone else 0
        if not depth or self.base_lr is None:
            raise InputError(
                'paramwise_cfg.layer_decay needs optimizer.lr and a backbone with layers that derives from '
                'poselifter.models.parts.BaseBackbone; give both, or rates of single parts by custom_keys'
            )
        factors = {}
        for name in names:
            layer = backbone.layer_of(name.removeprefix('backbone.')) if name.startswith('backbone.') else depth
            if layer is None:
                factors[name] = ('embeddings', decay ** (depth + 1))
            elif layer < depth:
                factors[name] = (f'layer {layer}', decay ** (depth - layer))
        return factors


def _row(name: str, params: Sequence[nn.Parameter], *options: float | None) -> tuple[str, ...]:
    cells = ['-' if option is None else f'{option:g}' for option in (*options, None, None)[:2]]
    return (name, *cells, str(len(params)), f'{sum(p.numel() for p in params):,}')


@OPTIM_WRAPPERS.register_module()
class GradientTimesLossOptimWrapper(OptimWrapper):
    """Multiplies the gradient of each step by its loss, averaged over all processes, as MixSTE's released program does.

    That minimises half the squared loss, so that batches with a larger loss weigh more. The arguments are mmengine's.

    Source: Zhang et al., MixSTE (CVPR 2022), its program: ``loss.backward(loss.detach())``; not in the paper.
    """

    def update_params(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """See mmengine's; the loss has to be a single number."""
        factor = loss.detach().clone()
        all_reduce(factor, 'mean')
        super().update_params(loss * factor, *args, **kwargs)


@PARAM_SCHEDULERS.register_module()
class GroupWarmupLR(LinearLR):
    """Linear warm-up of some groups of parameters only (ActionPose: the text encoder, 500 iterations).

    ``dict(type='GroupWarmupLR', groups='text_encoder', start_factor=0.002, by_epoch=False, end=500)``

    Args:
        optimizer: built by :class:`MotionOptimWrapperConstructor`, which names its groups.
        groups: substrings of the names of the parameter groups to warm up.
        *args: see mmengine's ``LinearLR``.
        **kwargs: likewise.

    Raises:
        InputError: no group has such a name.
    """

    def __init__(self, optimizer: OptimWrapper, groups: str | Sequence[str], *args: Any, **kwargs: Any) -> None:
        parts = [groups] if isinstance(groups, str) else list(groups)
        names = [group.get('name', '') for group in optimizer.param_groups]
        self.chosen = [i for i, name in enumerate(names) if any(part in name for part in parts)]
        if not self.chosen:
            raise InputError(
                f'GroupWarmupLR: no group of parameters is named {" or ".join(parts)}, only '
                f'{", ".join(filter(None, names))}; name it in optim_wrapper.paramwise_cfg.custom_keys'
            )
        super().__init__(optimizer, *args, **kwargs)

    def _get_value(self) -> list[float]:
        values = super()._get_value()
        present = [group[self.param_name] for group in self.optimizer.param_groups]
        return [new if i in self.chosen else old for i, (new, old) in enumerate(zip(values, present, strict=True))]

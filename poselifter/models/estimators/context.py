"""Motion2vec's pretraining: a student predicts what a moving teacher makes of the whole clip."""

from __future__ import annotations

from typing import Literal

import torch
from mmengine.model import BaseAveragedModel, BaseModel
from torch import nn

from ...errors import InputError
from ...registry import BACKBONES, MODELS
from ..losses import context_targets, self_distillation


class Teacher(BaseAveragedModel):
    """Moving average of a student; buffers are copied (Motion2vec, section 3.3).

    Args:
        student: the module; the teacher starts as a copy.
        decay: share of the old value at the first and at the last step, linear
            between.
        steps: number of steps of the rise.
    """

    def __init__(self, student: nn.Module, decay: tuple[float, float] = (0.999, 0.9999), steps: int = 1) -> None:
        super().__init__(student)
        self.decay, self.total_steps = decay, steps
        self.steps.fill_(1)  # at step 0 mmengine's class would copy the student

    def avg_func(self, averaged_param: torch.Tensor, source_param: torch.Tensor, steps: int) -> None:
        """Moves one tensor."""
        first, last = self.decay
        share = min((int(steps) - 1) / max(self.total_steps - 1, 1), 1.0)
        tau = first + (last - first) * share
        averaged_param.mul_(tau).add_(source_param, alpha=1 - tau)


@MODELS.register_module()
class ContextPretrainer(BaseModel):
    """Contextual self-distillation (Motion2vec, section 3.3).

    The student sees clips in which features of some tokens are replaced; at
    those it predicts the mean of the teacher's last layers on the whole clip.

    Args:
        backbone: config of the backbone; ``rep_dims=None``, so that its features
            are those of the last layer after the norm.
        top_layers: K, how many of the teacher's last layers are averaged.
        norm_targets: layer norms in the target: ``'both'`` (the paper's: each
            layer's output, and the mean), ``'layers'``, ``'final'``, or
            ``'none'`` (as released).
        decay: see :class:`Teacher`.
        steps: see :class:`Teacher`.
        data_preprocessor: see mmengine.
        init_cfg: see mmengine.

    Raises:
        InputError: the backbone has fewer layers, or features of another kind
            than its layers'.
    """

    def __init__(
        self,
        backbone: dict,
        top_layers: int = 8,
        norm_targets: Literal['both', 'layers', 'final', 'none'] = 'both',
        decay: tuple[float, float] = (0.999, 0.9999),
        steps: int = 1,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = BACKBONES.build(backbone)
        depth = len(getattr(self.backbone, 'layers', ())) or top_layers
        if not 1 <= top_layers <= depth or getattr(self.backbone, 'representation', None) is not None:
            raise InputError(
                f'ContextPretrainer averages {top_layers} of {depth} layers and predicts features of the last one; '
                f'expected top_layers from 1 to the depth, and rep_dims=None in the backbone'
            )
        self.mask_token = nn.Parameter(torch.rand(self.backbone.embed_dims))
        self.teacher = Teacher(self.backbone, decay, steps)
        self.top_layers, self.norm_targets = top_layers, norm_targets

    def corrupt(self, x: torch.Tensor, mask: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Embedded clips with the features of masked tokens replaced, their positions too.

        Args:
            x: clips (B, T, J, C).
            mask: (B * M, T, J) bool, the M masks of a clip one after another.
            noise: (B * M, T, J, D) what masked tokens become; ``None`` takes the
                learned vector.

        Returns:
            (B * M, T, J, D).
        """
        h = self.backbone.embed(x).repeat_interleave(len(mask) // len(x), 0)
        return torch.where(mask.unsqueeze(-1), self.mask_token if noise is None else noise, h)

    @torch.no_grad()
    def targets(self, x: torch.Tensor) -> torch.Tensor:
        """The teacher's view of whole clips (B, T, J, C), embedded by the student: (B, T, J, D)."""
        teacher = self.teacher.module.eval()
        _, layers = teacher.encode(self.backbone.embed(x), return_layers=True)
        return context_targets(layers, self.top_layers, self.norm_targets)

    def forward(self, inputs: torch.Tensor, data_samples: object = None, mode: str = 'tensor') -> object:
        """See mmengine's ``BaseModel.forward``; masks are ``mask`` (B, M, T, J) of the samples."""
        if mode != 'loss':
            return self.backbone(inputs)
        mask = data_samples.mask.flatten(0, 1)
        student = self.backbone.encode(self.corrupt(inputs, mask))
        target = self.targets(inputs).repeat_interleave(len(mask) // len(inputs), 0)
        return {'loss_context': self_distillation(student[mask], target[mask])}

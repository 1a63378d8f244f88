"""Motion2vec's pretraining: a student predicts the features of a moving-average teacher."""

from typing import Any, Literal

import torch
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

from ...errors import InputError
from ...registry import MODELS
from ..losses import context_targets, self_distillation
from ..parts import BaseBackbone, DistillingModel, Tensors, part_class
from .pretrainer import Pretrainer


class Teacher(BaseAveragedModel):
    """Moving average of a student; buffers are copied (Motion2vec, section III-B).

    Args:
        student: the module; the teacher starts as a copy.
        decay: weight of the old value at the first and at the last step, linear
            between; with (1, 1) nothing ever moves, buffers neither (released).
        steps: number of steps of the rise.
    """

    def __init__(self, student: nn.Module, decay: tuple[float, float] = (0.999, 0.9999), steps: int = 1) -> None:
        super().__init__(student)
        self.decay, self.total_steps = decay, steps
        self.steps.fill_(1)  # at step 0 mmengine's class would copy the student

    def update_parameters(self, model: nn.Module) -> None:
        """Moves the teacher one step towards the student."""
        if min(self.decay) < 1:
            super().update_parameters(model)
        else:
            self.steps += 1

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Updates one averaged tensor."""
        first, last = self.decay
        progress = min((int(steps) - 1) / max(self.total_steps - 1, 1), 1.0)
        tau = first + (last - first) * progress
        averaged_param.mul_(tau).add_(source_param, alpha=1 - tau)


@MODELS.register_module()
class ContextPretrainer(Pretrainer, DistillingModel):
    """Contextual self-distillation (Motion2vec, section III-B).

    The student sees clips in which features of some tokens are replaced; at those it predicts the mean of the teacher's
    last layers on the whole clip. ``TeacherUpdateHook`` moves the teacher, and the runner registers it. As released:
    ``norm_targets='none'``, ``decay=(1, 1)`` and ``SpanMask``.

    Args:
        backbone: config of the backbone; a representation behind its last norm
            (``rep_dims``) and a class token are left to the downstream model.
        top_layers: K, how many of the teacher's last layers are averaged.
        norm_targets: layer norms in the target: ``'both'`` (the paper's: each layer's output, and the mean),
            ``'layers'``, ``'final'``, or ``'none'`` (as released).
        filler: replacement of masked tokens: ``'learned'``, one learned vector
            (as released), or ``'noise'``, drawn anew for each (the paper's).
        noise_std: standard deviation of that noise.
        decay: see :class:`Teacher`.
        steps: see :class:`Teacher`; the hook sets it to those of the run.
        **pretrainer: see :class:`Pretrainer`.

    Raises:
        InputError: the backbone has fewer layers, or ``filler`` is unknown.
    """

    def __init__(
        self,
        backbone: dict,
        top_layers: int = 8,
        norm_targets: Literal['both', 'layers', 'final', 'none'] = 'both',
        filler: Literal['learned', 'noise'] = 'learned',
        noise_std: float = 0.01,
        decay: tuple[float, float] = (0.999, 0.9999),
        steps: int = 1,
        **pretrainer: Any,
    ) -> None:
        super().__init__({**backbone, **part_class(backbone, BaseBackbone).pretraining_options}, **pretrainer)
        depth = self.backbone.num_layers
        if not 1 <= top_layers <= depth:
            raise InputError(
                f'ContextPretrainer averages {top_layers} of {depth} layers, expected top_layers from 1 to the depth'
            )
        if filler not in ('learned', 'noise'):
            raise InputError(f"ContextPretrainer: filler is {filler!r}, expected 'learned' or 'noise'")
        self.mask_token = nn.Parameter(torch.rand(self.backbone.embed_dims), requires_grad=filler == 'learned')
        self.teacher = Teacher(self.backbone, decay, steps)
        self.top_layers, self.norm_targets = top_layers, norm_targets
        self.filler, self.noise_std = filler, noise_std

    def corrupt(self, x: Tensor, mask: Tensor, noise: Tensor | None = None) -> Tensor:
        """Embedded clips with the features of masked tokens replaced, their positions too.

        Args:
            x: clips (B, T, J, C).
            mask: (B * M, T, J) bool, the M masks of a clip one after another.
            noise: (B * M, T, J, D) replacement of masked tokens; ``None``: as ``filler`` says.

        Returns:
            (B * M, T, J, D).

        Raises:
            InputError: the backbone embeds into another number of channels than its features have.
        """
        h = self.backbone.embed(self.describe(x.repeat_interleave(len(mask) // len(x), 0), mask))
        if h.shape[-1] != len(self.mask_token):
            raise InputError(
                f'ContextPretrainer hides features of {len(self.mask_token)} channels, {type(self.backbone).__name__} '
                f'embeds into {h.shape[-1]}; take another backbone, e.g. MotionAGFormer'
            )
        mask = mask.all(-1, keepdim=True) if h.shape[2] == 1 else mask  # of a frame of one token as a whole
        if noise is None:
            noise = self.noise_std * torch.randn_like(h) if self.filler == 'noise' else self.mask_token
        return torch.where(mask.unsqueeze(-1), noise, h)

    @torch.no_grad()
    def targets(self, x: Tensor) -> Tensor:
        """Teacher features of whole clips (B, T, J, C), embedded by the student: (B, T, J, D)."""
        teacher = self.teacher.module.eval()
        _, layers = teacher.encode(self.backbone.embed(self.describe(x)), return_layers=True)
        return context_targets(layers, self.top_layers, self.norm_targets)

    def forward(self, inputs: Tensor, data_samples: object = None, mode: str = 'tensor') -> Tensor | Tensors:
        """See mmengine's ``BaseModel.forward``.

        Args:
            inputs: clips (B, T, J, C).
            data_samples: one stacked sample with ``masks`` (B, M, T, J) bool, True where hidden.
            mode: ``'loss'``: ``loss_context``, and for the log the standard deviations of targets and predictions over
                the masked tokens, ``target_std`` and ``prediction_std``, which fall to 0 where the training collapses;
                else the student's features (B, T, J, D).
        """
        if mode != 'loss':
            return self.backbone(self.describe(inputs))
        mask = data_samples.masks.flatten(0, 1)
        student = self.backbone.encode(self.corrupt(inputs, mask))
        target = self.targets(inputs).repeat_interleave(len(mask) // len(inputs), 0)
        mask = mask.all(-1, keepdim=True) if student.shape[2] == 1 else mask
        student, target = student[mask], target[mask]
        spread = {'target_std': target.std(0).mean(), 'prediction_std': student.detach().std(0).mean()}
        return {'loss_context': self_distillation(student, target), **spread}

"""Published checkpoints of other systems, as modules that map their input to their output."""

import math
import os
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ..checkpoints import Official, check_kinds, load_checkpoint_file, official_weights, read_official
from ..errors import InputError
from ..models import Lifter
from ..models.body_models import load_body_model
from ..models.losses import self_distillation
from ..registry import MODELS


class OfficialModule(nn.Module):
    """A published network in eval mode; input and output as its authors' code has them, channels last.

    Attributes:
        system: the system's name.
        task: what it serves.
        network: our module that holds the weights.
        dropped: tensors of the file that nothing reads.
    """

    def __init__(self, network: nn.Module, official: Official, task: str) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.system: str = official.system
        self.task: str = task
        self.dropped: list[str] = official.dropped
        self.eval()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """:meth:`forward`; numpy arrays in give numpy arrays out."""
        if not any(isinstance(array, np.ndarray) for array in (*args, *kwargs.values())):
            return super().__call__(*args, **kwargs)
        with torch.no_grad():
            kwargs = {key: self._tensor(value) for key, value in kwargs.items()}
            result = super().__call__(*map(self._tensor, args), **kwargs)
        if isinstance(result, dict):
            return {key: value.cpu().numpy() for key, value in result.items()}
        return result.cpu().numpy()

    def _tensor(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        like, value = next(self.parameters()), torch.from_numpy(np.array(value, order='C'))
        return value.to(like.device, like.dtype if value.is_floating_point() else value.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Clips (B, T, J, C), or (N, M, T, J, C) of M persons, to what the original returns."""
        persons = x.shape[1:-3]  # (M,), or none
        features = self.network.features(x.flatten(0, -4))
        if self.task == 'representation':
            return features.get('single', features.get('features')).unflatten(0, (-1, *persons))

        def output(head: str) -> Any:
            return self.network.heads[head](self.network.read(head, features, math.prod(persons)))

        if self.task == 'mesh':
            mesh = output('mesh')
            return {'output': mesh['theta'], 'kp_3d': mesh['kp_3d'], 'verts': mesh['verts']}
        if self.task in ('action', 'embedding'):
            return output(self.task)
        outputs = {'output': output('pose').unflatten(0, (-1, *persons))}
        return {**outputs, 'output_seq': output('sequence')} if 'sequence' in self.network.heads else outputs['output']


class OfficialRefiner(OfficialModule):
    """P-STMO's refine module."""

    def forward(self, input_pose: torch.Tensor, reprojected: torch.Tensor) -> torch.Tensor:
        """Poses (B, 1, J, 3) and their re-projections to refined poses; see :class:`PoseRefiner`."""
        return self.network(input_pose, reprojected)


class OfficialMaskedPose(OfficialModule):
    """P-STMO's first stage."""

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None, spatial_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Clean clips (B, T, J, 2) to their reconstruction, visible frames first.

        Args:
            x: the clips.
            mask: (T,) bool, True for a removed frame; ``None`` removes none.
            spatial_mask: (T, J) bool, True for a replaced joint; ``None`` replaces none.
        """
        mask = x.new_zeros(x.shape[1], dtype=torch.bool) if mask is None else mask.bool()
        joints = x.new_zeros(x.shape[1:3], dtype=torch.bool) if spatial_mask is None else spatial_mask.bool()
        return self.network.reconstruct(x, mask, joints)[0]


class OfficialContext(OfficialModule):
    """Motion2vec's pretraining; the teacher is in a second file, or absent."""

    has_teacher: bool = False

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None, noise: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Clips (B, T, J, C) through the student, and through the teacher where there is one.

        Args:
            x: the clips.
            mask: (B * M, T, J) bool, True for a replaced token; ``None`` replaces none.
            noise: (B * M, T, J, D) what they become; ``None`` takes the learned vector.

        Returns:
            ``student_output``, ``student_input`` and, with a teacher, ``teacher_target``, ``prediction`` and ``target``
            at the masked tokens, ``loss_per_element`` and ``loss``.
        """
        mask = x.new_zeros(x.shape[:3], dtype=torch.bool) if mask is None else mask.bool()
        corrupted = self.network.corrupt(x, mask, noise)
        output = self.network.backbone.encode(corrupted)
        outputs = {'student_output': output, 'student_input': corrupted}
        if self.has_teacher:
            target = self.network.targets(x)
            repeated = target.repeat_interleave(len(mask) // len(x), 0)
            outputs |= {'teacher_target': target, 'prediction': output[mask], 'target': repeated[mask]}
            squares = (outputs['prediction'] - outputs['target']).square()
            outputs['loss_per_element'] = squares / squares.shape[-1] ** 0.5
            outputs['loss'] = self_distillation(outputs['prediction'], outputs['target'])
        return outputs


_MODULES = {
    'PoseRefiner': OfficialRefiner,
    'MaskedPosePretrainer': OfficialMaskedPose,
    'ContextPretrainer': OfficialContext,
}


def load_official(
    path: str | os.PathLike[str], system: str | None = None, task: str | None = None, **architecture: Any
) -> OfficialModule:
    """Loads a checkpoint as its authors published it; nothing in the file is executed.

    Settings are inferred from tensor shapes. Those that no shape shows (``num_heads``, whether a VideoPose3D model is
    ``causal``, the graph's neighbours) have the published defaults only where every shape is of a published size.

    Args:
        path: the file, in the original container.
        system: ``'motionbert'``, ``'pstmo'``, ``'mixste'``, ``'motion2vec'``, ``'motionagformer'``, ``'poseformer'`` or
            ``'videopose3d'``; ``None`` goes by the file's keys.
        task: ``'pose'``, ``'representation'``, ``'action'``, ``'embedding'``, ``'mesh'``, ``'pretrain'``, ``'refine'``
            or ``'trajectory'``; ``None`` means what the keys say.
        **architecture: keywords of the original's constructor; those inferred from shapes are compared. The mesh task
            also takes ``body_model`` (see :func:`~poselifter.models.body_models.load_body_model`), Motion2vec's
            pretraining ``teacher`` (the file of its layers), ``average_top_k_layers`` and ``norm_targets`` (see
            :class:`~poselifter.models.estimators.ContextPretrainer`; by default as released).

    Returns:
        A module in eval mode: the original's input to the original's output, (B, T, J, C), or (N, M, T, J, C) for
        persons; where the original returns several arrays, a dict.

    Raises:
        InputError: the file cannot be read, is of no or another system, cannot serve the task, does not have the given
            sizes, or leaves a setting open.

    Example::

        module = load_official('MB_release/latest_epoch.bin')
        poses = module(torch.zeros(1, 243, 17, 3))
    """
    official = read_official(path, system, task)
    official.for_task(task)  # or an error
    task = official.layout.tasks[0] if task is None else task
    extra = architecture.pop(_EXTRA[task], None) if task in _EXTRA else None
    config = official.network(architecture)
    try:
        network = MODELS.build(config) if 'type' in config else Lifter(**config)
    except Exception as error:  # keywords that no shape tells
        raise InputError(f'{path}: no network can be built of {architecture or "its sizes"}: {error}') from error
    module = _MODULES.get(config.get('type'), OfficialModule)(network, official, task)
    official.check(network, path)
    check_kinds(network.state_dict(), official.state_dict, path)
    teacher = {}
    if isinstance(module, OfficialContext):
        teacher, module.has_teacher = _teacher(network, official, extra), extra is not None
    network.load_state_dict({**official.state_dict, **teacher})
    if task == 'mesh':
        if extra is None:
            raise InputError(
                'the mesh task needs body_model, since no checkpoint holds the licensed one; give its file, its '
                'folder or its arrays'
            )
        network.heads['mesh'].body_model = load_body_model(extra)
    return module.eval()


_EXTRA = {'mesh': 'body_model', 'pretrain': 'teacher'}


def _teacher(network: nn.Module, official: Official, path: str | os.PathLike[str] | None) -> dict[str, torch.Tensor]:
    """The teacher's tensors: its layers from the file, the rest the student's."""
    if path is not None:
        layers = official_weights(load_checkpoint_file(path)) or {}
        tensors = {key: value for key, value in official.tensors.items() if not key.startswith('layers.')}
        tensors.update({f'layers.{key}': value for key, value in layers.items()})
        official = replace(official, tensors=tensors)
        official.check(network, path)
    state = {key.removeprefix('backbone.'): value for key, value in official.state_dict.items() if key != 'mask_token'}
    return {**{f'teacher.module.{key}': value for key, value in state.items()}, 'teacher.steps': network.teacher.steps}

"""The published systems' own checkpoints, as modules that map their input to their output."""

import os
from typing import Any

import numpy as np
import torch
from torch import nn

from ..checkpoints import (
    Official,
    check_official,
    convert_official,
    load_checkpoint_file,
    network_of,
    read_official,
)
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
        self.network, self.system, self.task, self.dropped = network, official.system, task, official.dropped
        self.eval()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """:meth:`forward`; numpy arrays in give numpy arrays out."""
        arrays = [*args, *kwargs.values()]
        if not any(isinstance(array, np.ndarray) for array in arrays):
            return super().__call__(*args, **kwargs)
        with torch.no_grad():
            given = {key: self._tensor(value) for key, value in kwargs.items()}
            found = super().__call__(*map(self._tensor, args), **given)
        if isinstance(found, dict):
            return {key: value.cpu().numpy() for key, value in found.items()}
        return found.cpu().numpy()

    def _tensor(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        like, value = next(self.parameters()), torch.from_numpy(np.array(value, order='C'))
        return value.to(like.device, like.dtype if value.is_floating_point() else value.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Clips (B, T, J, C), or (N, M, T, J, C) of M persons, to what the original returns."""
        persons = x.shape[1] if x.ndim == 5 else 1
        features = self.network.features(x.flatten(0, 1) if x.ndim == 5 else x)
        if self.task == 'representation':
            feature = features.get('single', features.get('features'))
            return feature.unflatten(0, (-1, persons)) if x.ndim == 5 else feature

        def output(head: str) -> Any:
            found = self.network.heads[head](self.network.read(head, features, persons))
            return found.unflatten(0, (-1, persons)) if x.ndim == 5 and head == 'pose' else found

        if self.task == 'mesh':
            mesh = output('mesh')
            return {'output': mesh['theta'], 'kp_3d': mesh['kp_3d'], 'verts': mesh['verts']}
        if 'sequence' in self.network.heads:
            return {'output': output('pose'), 'output_seq': output('sequence')}
        return output(self.task if self.task in ('action', 'embedding') else 'pose')


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
            spatial_mask: (T, J) bool, True for a replaced joint; ``None``
                replaces none.
        """
        mask = x.new_zeros(x.shape[1], dtype=torch.bool) if mask is None else mask.bool()
        joints = x.new_zeros(x.shape[1:3], dtype=torch.bool) if spatial_mask is None else spatial_mask.bool()
        return self.network.reconstruct(x, mask, joints)[0]


class OfficialContext(OfficialModule):
    """Motion2vec's pretraining; the teacher is in a file of its own, or not there."""

    has_teacher = False

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None, noise: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Clips (B, T, J, C) through the student, and through the teacher where there is one.

        Args:
            x: the clips.
            mask: (B * M, T, J) bool, True for a replaced token; ``None``
                replaces none.
            noise: (B * M, T, J, D) what they become; ``None`` takes the learned
                vector.

        Returns:
            ``student_output``, ``student_input`` and, with a teacher,
            ``teacher_target``, ``prediction`` and ``target`` at the masked
            tokens, ``loss_per_element`` and ``loss``.
        """
        mask = x.new_zeros(x.shape[:3], dtype=torch.bool) if mask is None else mask.bool()
        corrupted = self.network.corrupt(x, mask, noise)
        output = self.network.backbone.encode(corrupted)
        found = {'student_output': output, 'student_input': corrupted}
        if self.has_teacher:
            target = self.network.targets(x)
            repeated = target.repeat_interleave(len(mask) // len(x), 0)
            found |= {'teacher_target': target, 'prediction': output[mask], 'target': repeated[mask]}
            squares = (found['prediction'] - found['target']).square()
            found['loss_per_element'] = squares / squares.shape[-1] ** 0.5
            found['loss'] = self_distillation(found['prediction'], found['target'])
        return found


_MODULES = {
    'PoseRefiner': OfficialRefiner,
    'MaskedPosePretrainer': OfficialMaskedPose,
    'ContextPretrainer': OfficialContext,
}


def load_official(
    path: str | os.PathLike, system: str | None = None, task: str | None = None, **architecture: Any
) -> OfficialModule:
    """Loads a checkpoint as its authors published it; nothing in the file is executed.

    Sizes are read from the shapes. What no shape tells (``num_heads``, whether
    a VideoPose3D model is ``causal``, the graph's neighbours) is assumed only
    where every shape equals a published size.

    Args:
        path: the file, in the original container.
        system: ``'motionbert'``, ``'pstmo'``, ``'mixste'``, ``'motion2vec'``,
            ``'motionagformer'``, ``'poseformer'`` or ``'videopose3d'``; ``None``
            goes by the file's keys.
        task: ``'pose'``, ``'representation'``, ``'action'``, ``'embedding'``,
            ``'mesh'``, ``'pretrain'``, ``'refine'`` or ``'trajectory'``; ``None``
            means what the keys say.
        **architecture: keywords of the original's constructor; what the shapes
            tell is checked against them. The mesh task also takes
            ``body_model`` (see :func:`~poselifter.models.body_models.load_body_model`),
            Motion2vec's pretraining ``teacher`` (the file of its layers),
            ``average_top_k_layers`` and ``norm_targets`` (see
            :class:`~poselifter.models.estimators.ContextPretrainer`; by default
            as released).

    Returns:
        A module in eval mode: the original's input to the original's output,
        (B, T, J, C), or (N, M, T, J, C) for persons; where the original returns
        several arrays, a dict.

    Raises:
        InputError: the file cannot be read, is of no or another system, cannot
            serve the task, does not have the given sizes, or leaves a setting
            open.

    Example::

        module = load_official('MB_release/latest_epoch.bin')
        poses = module(torch.zeros(1, 243, 17, 3))
    """
    official, state = read_official(path, system, task)
    official.for_task(task)  # or an error
    task = official.tasks[0] if task is None else task
    extras = {key: architecture.pop(key) for key in _EXTRAS.get(task, ()) if key in architecture}
    config = network_of(official, state, architecture)
    kind = config.get('type')
    if kind == 'ContextPretrainer':
        config['top_layers'] = extras.get('average_top_k_layers', min(6, config['backbone']['depth']))
        config['norm_targets'] = extras.get('norm_targets', 'none')
    network = MODELS.build(config) if kind else Lifter(**config)
    module = _MODULES.get(kind, OfficialModule)(network, official, task)
    check_official(network, official, path)
    if kind == 'ContextPretrainer':
        official.state_dict.update(_teacher(network, official, extras.get('teacher')))
        module.has_teacher = extras.get('teacher') is not None
    network.load_state_dict(official.state_dict)
    if task == 'mesh':
        if extras.get('body_model') is None:
            raise InputError(
                'the mesh task needs body_model, since no checkpoint holds the licensed one; give its file, its '
                'folder or its arrays'
            )
        network.heads['mesh'].body_model = load_body_model(extras['body_model'])
    return module.eval()


_EXTRAS = {'mesh': ('body_model',), 'pretrain': ('teacher', 'average_top_k_layers', 'norm_targets')}


def _teacher(network: nn.Module, official: Official, path: str | os.PathLike | None) -> dict[str, torch.Tensor]:
    """The teacher's tensors: its layers from the file, the rest the student's."""
    own = dict(official.state_dict)
    if path is not None:
        layers = {f'layers.{key}': value for key, value in load_checkpoint_file(path).items()}
        student = {key: shape for key, shape in official.shapes.items() if key.startswith('layers.')}
        wrong = sorted(
            key.removeprefix('layers.')
            for key in layers.keys() | student.keys()
            if getattr(layers.get(key), 'shape', None) != student.get(key)
        )
        if wrong:
            raise InputError(f'the teacher {path} does not fit the student: it differs in {", ".join(wrong)}')
        own.update(convert_official(layers).state_dict)
    teacher = {f'teacher.module.{key.removeprefix("backbone.")}': own[key] for key in own if key != 'mask_token'}
    return teacher | {'teacher.steps': network.teacher.steps}

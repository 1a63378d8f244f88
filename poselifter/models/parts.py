"""The parts of a model: the contracts of backbones, necks and heads, with defaults.

A part declares what it is by attributes of its class; nothing tests whether an
attribute exists. :func:`build_part` builds one from its config.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseAveragedModel, BaseModule
from torch import Tensor, nn

from ..errors import InputError
from ..registry import LOSSES, MODELS
from ..skeletons import Skeleton, flip_keypoints
from ..structures import MotionDataSample

Tensors = dict[str, Tensor]  # by name
Encoded = Tensor | tuple[Tensor, list[Tensor]]  # features, or (features, the layers' outputs)


class Part(BaseModule):
    """A part of a model, built by its registered name.

    Args:
        init_cfg: initialisation of the weights, see mmengine's ``BaseModule``.

    Attributes:
        wants: arguments of the constructor that are filled in where the config leaves them out, of ``embed_dims``,
            ``num_frames``, ``num_joints`` and ``in_channels`` as the backbone and the neck before it say, and for a
            head of texts ``text_channels``.
    """

    wants: tuple[str, ...] = ()


class BaseBackbone(Part):
    """Features of clips: ``forward`` is ``encode`` after ``embed``.

    Pretrainers corrupt the input before ``embed``, or features between the two.

    Args:
        num_frames: the largest T.
        num_joints: J.
        in_channels: C of the input.
        embed_dims: D of the features that ``encode`` returns.
        num_tokens: J' of the features: J (0), or 1 where a frame is a single token.
        **part: see :class:`Part`.

    Attributes:
        layer_lists: names of the lists of layers in order of depth; layers of
            equal number in lists of one tuple stand side by side.
        after_layers: names of the modules behind the last layer.
        per_joint: names of parameters with a row for each joint: their axis before the last is J.
        pretraining_options: arguments with which a bare encoder is built, whose
            features are those of its last layer, one token a joint.
        token_dims: channels of :meth:`clip_token`.
        slides: whether a clip longer than a window gives, frame by frame, what windows of stride 1 on it would.
    """

    layer_lists: tuple[tuple[str, ...], ...] = (('layers',),)
    after_layers: tuple[str, ...] = ('norm',)
    per_joint: tuple[str, ...] = ('joint_embedding.weight',)
    pretraining_options: Mapping[str, Any] = {}
    slides: bool = False

    def __init__(
        self, num_frames: int, num_joints: int, in_channels: int, embed_dims: int, num_tokens: int = 0, **part: Any
    ) -> None:
        super().__init__(**part)
        self.num_frames, self.num_joints, self.num_tokens = num_frames, num_joints, num_tokens or num_joints
        self.in_channels, self.embed_dims, self.token_dims = in_channels, embed_dims, embed_dims

    @property
    def num_layers(self) -> int:
        """Layers from the input to the features."""
        return sum(len(self.get_submodule(lists[0])) for lists in self.layer_lists)

    def layer_of(self, parameter: str) -> int | None:
        """The layer of a parameter by its name in the backbone.

        Returns:
            0 to ``num_layers`` - 1; ``num_layers`` for what comes after them;
            ``None`` for what comes before, such as embeddings.
        """
        first = 0
        for lists in self.layer_lists:
            for prefix in lists:
                if parameter.startswith(f'{prefix}.'):
                    return first + int(parameter.removeprefix(f'{prefix}.').split('.')[0])
            first += len(self.get_submodule(lists[0]))
        return first if parameter.split('.')[0] in self.after_layers else None

    @abstractmethod
    def embed(self, x: Tensor) -> Tensor:
        """Input (B, T, J, C) to tokens, positions included as far as the paper adds them here.

        Raises:
            InputError: the input has another shape than the backbone was built for.
        """

    def embed_frames(self, x: Tensor) -> Tensor | None:
        """Tokens of frames without positions, which overlapping windows share; ``None`` where nothing is worth it.

        Args:
            x: (B, T, J, C), any T.

        Returns:
            (B, T, J', D) to which :meth:`place` adds positions.
        """
        return None

    def place(self, h: Tensor) -> Tensor:
        """Tokens of :meth:`embed_frames` in their order in the window: what :meth:`embed` returns."""
        return h

    @abstractmethod
    def encode(self, h: Tensor, valid: Tensor | None = None, return_layers: bool = False) -> Encoded:
        """Tokens to features.

        Args:
            h: what ``embed`` returned.
            valid: (B, T) bool, False for padded frames; they have no influence
                on other frames, and their features are undefined.
            return_layers: whether to return the output of every layer too.

        Returns:
            (B, T', J', D), or (that, the layers' outputs in order).
        """

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Input (B, T, J, C) to features (B, T', J', D); ``valid`` as in :meth:`encode`."""
        return self.encode(self.embed(x), valid)

    def clip_token(self, features: Tensor, layers: Sequence[Tensor], valid: Tensor | None = None) -> Tensor:
        """One token a joint for the whole clip, (B, 1, J', token_dims): here the mean over the frames that are valid.

        Args:
            features, layers: of :meth:`encode`.
            valid: as in :meth:`encode`.
        """
        return self._mean(features, valid)

    def spread(self, features: Tensor, valid: Tensor | None = None) -> Tensor:
        """Standard deviation of features (B, T', J', D) over the frames that are valid, (B, 1, J', D)."""
        variance = self._mean((features - self._mean(features, valid)) ** 2, valid)
        return (variance + 1e-6).sqrt()  # whose slope at zero is finite

    def _mean(self, features: Tensor, valid: Tensor | None) -> Tensor:
        weight = torch.ones_like(features[..., :1, :1])
        if valid is not None:
            weight = weight * valid[:, self.output_frames(valid.shape[1])][..., None, None]
        return (features * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)

    def output_frames(self, num_frames: int) -> Tensor:
        """Indices of the input frames that the T' outputs stand for.

        Args:
            num_frames: T of the input.

        Returns:
            (T',) int64; here all.
        """
        return torch.arange(num_frames)

    @property
    def frame_range(self) -> tuple[int, int | None]:
        """The least and the largest T that it takes; ``None`` is any."""
        return 1, self.num_frames

    def check_input(self, x: Tensor) -> None:
        """Holds an input to (B, T, J, C) with T in ``frame_range``.

        Raises:
            InputError: it has another shape.
        """
        least, most = self.frame_range
        shape = (self.num_joints, self.in_channels)
        if x.ndim != 4 or x.shape[2:] != shape or x.shape[1] < least or (most is not None and x.shape[1] > most):
            expected = f'at least {least}' if most is None else f'in {least} to {most}'
            raise InputError(
                f'{type(self).__name__} got an input of shape {tuple(x.shape)}, expected (B, T, {self.num_joints}, '
                f'{self.in_channels}) with T {expected}; change the data or the num_frames, num_joints and in_channels '
                f'of the model'
            )


class BaseNeck(Part):
    """Fuses streams, or mixes or pools frames; what it returns goes to the heads.

    ``forward`` returns (B, T', J', D), or several such features by name.

    Args:
        embed_dims: D of what it returns.
        init_cfg: see :class:`Part`.
    """

    wants = ('embed_dims',)

    def __init__(self, embed_dims: int, init_cfg: dict[str, Any] | None = None) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims

    def output_frames(self, frames: Tensor) -> Tensor | Tensors:
        """The input frames (T,) that the results stand for, by name where they have names; here all."""
        return frames


class BaseHead(Part):
    """Features to a prediction, and the losses that train it.

    Args:
        feature: name of the feature that it reads, where the neck returns several.
        losses: configs of losses of different types; each adds ``loss_<its name>``; ``None``: ``default_losses``.
        **part: see :class:`Part`.

    Attributes:
        reads: ``'frames'``: features (B, T', J', D) to a pose for each frame; ``'clip'``: features of M persons (N, M,
            T', J', D) to one result a clip; ``'body'``: features to a body for each frame; ``'poses'``: the poses (B,
            T', K, 3) that the head ``pose`` predicts, to better ones.
        label: key of the data sample without which the head has no loss.
        default_losses: losses where the config names none.
        num_classes: number of the classes that its label counts; ``None`` where it counts none.
        predicts: names of the fields that it adds to a sample.
        needs: keys of the sample that ``predict`` reads (of bodies and poses), arrays frame by frame or metadata.

    Raises:
        InputError: two losses have the same name.
    """

    wants = ('in_channels',)
    reads: str = 'frames'
    label: str = 'target'
    num_classes: int | None = None
    predicts: tuple[str, ...] = ('pred_keypoints_3d',)
    needs: tuple[str, ...] = ()
    default_losses: Sequence[dict] = ()

    def __init__(self, feature: str = 'features', losses: Sequence[dict] | None = None, **part: Any) -> None:
        super().__init__(**part)
        self.feature = feature
        self.losses = nn.ModuleList(LOSSES.build(cfg) for cfg in (self.default_losses if losses is None else losses))
        names = [loss.name for loss in self.losses]
        if len(set(names)) < len(names):
            name = type(self).__name__
            raise InputError(f'{name} got the losses {names}, expected each once; sum their loss_weight into one')

    def predict(self, features: Tensor, data_samples: MotionDataSample | None = None) -> Tensors:
        """Predictions by name: here ``forward``, which a pose head gives in the network space of the codec.

        Args:
            features: see ``reads``.
            data_samples: one stacked sample with ``needs``, and of a clip ``present``.
        """
        return {self.predicts[0]: self(features)}

    def loss(self, features: Tensor, data_samples: MotionDataSample) -> Tensors:
        """Losses by name, 0-dim each: here those configured, of the prediction (B, T, K, C) against the label.

        Args:
            features: see ``reads``.
            data_samples: one stacked sample of the frames that the features stand for, with ``label`` (B, T, K, C) and
                perhaps ``<label>_weight`` (B, T, K), without which every label counts.
        """
        if not self.losses:
            return {}
        [prediction] = self.predict(features, data_samples).values()
        target, weight = data_samples.get(self.label), data_samples.get(f'{self.label}_weight')
        return {f'loss_{loss.name}': loss(prediction, target, weight) for loss in self.losses}

    def mirror(self, data_samples: MotionDataSample) -> MotionDataSample:
        """The sample mirrored, as far as ``predict`` reads it; here nothing has sides."""
        return data_samples

    def mean_with_mirrored(self, plain: Tensors, mirrored: Tensors, skeleton: Skeleton) -> Tensors:
        """Predictions of clips averaged with those of the mirrored clips, turned back."""
        return {key: (plain[key] + flip_keypoints(mirrored[key], skeleton)) / 2 for key in plain}


class CaptionedModel:
    """A model that learns from captions; a mixin.

    Attributes:
        texts: the table that ``captions`` of samples index; the runner sets it to that of the training data.
        text_counts: how many clips of the training data have each of these texts, where its data set says so.
    """

    texts: Sequence[str] | None
    text_counts: Sequence[int] | None = None


class DistillingModel:
    """A model that learns from a moving average of its backbone; a mixin. ``TeacherUpdateHook`` moves the teacher."""

    backbone: nn.Module
    teacher: BaseAveragedModel


def build_part(cfg: dict, base: type[Part], sizes: Mapping[str, int] | None = None) -> Any:
    """Builds a part from its config.

    Args:
        cfg: config with ``type``.
        base: what the class must derive from.
        sizes: for the arguments that the part ``wants`` and the config leaves out.

    Raises:
        InputError: see :func:`part_class`.
    """
    wants = part_class(cfg, base).wants
    return MODELS.build({**{name: sizes[name] for name in wants if name in (sizes or {})}, **cfg})


def part_class(cfg: dict, base: type[Part]) -> Any:
    """Class that a config names by ``type``.

    Raises:
        InputError: no class has that name, or it does not derive from ``base``.
    """
    kind = cfg['type']
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    if cls is None:
        raise InputError(f'no part of a model is registered as {kind!r}; mend the name, or import it (custom_imports)')
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise InputError(
            f'the model has {cls.__name__} where a {base.__name__} is expected; derive it from '
            f'{base.__module__}.{base.__name__}, which says what such a part must have'
        )
    return cls


def per_joint_parameters(model: nn.Module) -> set[str]:
    """Names of a model's parameters with a row for each joint of the input, as its backbones declare them."""
    backbones = {place: module for place, module in model.named_modules() if isinstance(module, BaseBackbone)}
    return {f'{place}.{name}'.removeprefix('.') for place, part in backbones.items() for name in part.per_joint}

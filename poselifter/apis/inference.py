"""Inference functions: a config and a checkpoint to 3D poses, scores and embeddings."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from ..checkpoints import check_codec, load_checkpoint_file, load_weights
from ..engine.config import change_config, load_config
from ..engine.tool import config_errors
from ..errors import InputError
from ..registry import MODELS
from ..skeletons import convert_keypoints, find_conversion
from ..structures import KeypointTable, Result
from ..structures.keypoint_table import split_scores
from ..utils import register_all_modules
from . import zoo

MAX_GAP = 30  # frames without the person after which the rest counts as a new clip


def init_model(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike | None = None,
    device: str = 'cpu',
    cfg_options: dict | None = None,
    variant: str | None = None,
) -> nn.Module:
    """Builds a model in eval mode.

    Args:
        config: a config file, a loaded config, or a name of the zoo, whose weights are then the default checkpoint.
        checkpoint: a file or a name of the zoo; ``None`` leaves the model as initialised (unless ``config`` is a name).
        device: for example ``'cpu'`` or ``'cuda:0'``.
        cfg_options: changes to the config, ``{'model.test_cfg.flip_test': False}``.
        variant: one of the config's variants; of a model of the zoo by default its variant.

    Returns:
        The model; ``model.cfg`` is its config.

    Raises:
        InputError: no such file, name or variant, an option that leads nowhere, or a checkpoint that does not fit.
    """
    register_all_modules()
    if not isinstance(config, Config):
        if not str(config).endswith('.py'):
            model = zoo.find(str(config))
            config, checkpoint, variant = model.config, checkpoint or model.name, variant or model.variant
        config = load_config(config)
    config = change_config(config, cfg_options, variant)
    check_device(device)
    with config_errors(config):
        model = MODELS.build(config.model)
    if checkpoint is not None:
        path = zoo.resolve(str(checkpoint))
        weights = load_checkpoint_file(path)
        check_codec(weights, config.get('codec'), path)
        load_weights(model, weights)
    model.cfg = config
    return model.to(device).eval()


def check_device(device: str) -> None:
    """Checks that tensors can be computed on a device and come back; raises InputError if not."""
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise InputError(f'device {device!r} cannot be used ({str(error).splitlines()[0]}); try cpu') from error


def inference_lifter(
    model: nn.Module,
    keypoints: np.ndarray,
    keypoints_visible: np.ndarray | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
    skeleton: str | None = None,
) -> np.ndarray:
    """Lifts the keypoints of one person in consecutive frames.

    Args:
        model: from :func:`init_model`.
        keypoints: (T, J, 2) pixels, or (T, J, 3) with scores; any T.
        keypoints_visible: (T, J) scores in [0, 1]; 0 means missing; without it (0, 0) does.
        img_shape: (height, width) of the pictures; guessed from the keypoints where it is not given.
        fps: frame rate of the clip; ``None`` means the model's.
        skeleton: joint set of the keypoints; ``None`` means the model's.

    Returns:
        (T, K, 3) float32: metres, camera axes (x right, y down, z forward), relative to the root.

    Raises:
        InputError: wrong shape, unknown joint set, NaN in a visible joint, no visible joint, or coordinates that are no
            pixels of such a picture.
    """
    keypoints, keypoints_visible = split_scores(keypoints, keypoints_visible)
    table = KeypointTable.of_person(keypoints, keypoints_visible, skeleton=skeleton, img_shape=img_shape, fps=fps)
    return lift_table(model, table)


def lift_table(model: nn.Module, table: KeypointTable) -> np.ndarray:
    """Lifts every person of a table of N rows to poses (N, K, 3) float32, see :func:`inference_lifter`.

    Frames in which a person is missing are bridged: the model sees them as
    empty. Another frame rate than the model's is resampled to it and back.

    Raises:
        InputError: the joint set is unknown or cannot be converted.
    """
    return predict_table(model, table, ['pose']).poses


@torch.no_grad()
def predict_table(
    model: nn.Module, table: KeypointTable, names: Sequence[str], batch_size: int | None = None
) -> Result:
    """Poses, scores and embeddings for every person of a table, in one pass of the network.

    Args:
        model: from :func:`init_model`.
        table: N rows of keypoints.
        names: of heads: ``pose``, ``action`` and others that read clips.
        batch_size: windows in one forward pass; ``None`` means the model's.

    Raises:
        InputError: the joint set is unknown or cannot be converted.
    """
    device = next(model.parameters()).device
    clips = list(track_clips(model.codec, table))
    sequences = [torch.from_numpy(model.codec.encode(clip)['inputs']).to(device) for _, clip, _ in clips]
    arrays = {name: [] for name in names}
    for (rows, _, step), predictions in zip(clips, model.over_time(sequences, names, batch_size), strict=True):
        for name in names:
            arrays[name].append(at_rows(predictions[name].cpu().numpy(), table, rows, step))
    fields = {'segments': [rows for rows, _, _ in clips], **assumed_metadata(model)}
    if 'pose' in names:
        trained, given = model.codec.skeleton_3d.name, model.codec.result_skeleton.name
        poses = convert_keypoints(np.concatenate(arrays['pose']), trained, given)
        fields |= {'poses': poses, 'skeleton_3d': given}
    if 'action' in names:
        fields |= {'scores': np.concatenate(arrays['action']), 'classes': class_names(model)}
    means = {name: [part.mean(0) for part in arrays[name]] for name in names if name not in ('pose', 'action')}
    embeddings = {name: np.stack([mean / np.linalg.norm(mean) for mean in part]) for name, part in means.items()}
    return Result(table, embeddings=embeddings, **fields)


def assumed_metadata(model: nn.Module) -> dict[str, Any]:
    """``skeleton`` and ``fps`` of keypoints that have none: the model's."""
    return {'skeleton': model.codec.skeleton.name, 'fps': model.codec.fps}


def assumptions(codec: Any, table: KeypointTable) -> list[str]:
    """Lines for the user on what a codec converts and assumes of a table."""
    lines = []
    if table.skeleton not in (None, codec.skeleton.name):
        approximate = ', '.join(find_conversion(table.skeleton, codec.skeleton.name).approximate) or 'none'
        lines.append(f'{table.skeleton} is converted to {codec.skeleton.name}; approximate joints: {approximate}')
    if table.img_shape is None:
        lines.append('the image size is unknown; the image is taken to be centred on the keypoints (--image-size)')
    if table.fps is None and codec.fps:
        lines.append(f'the frame rate is unknown; it is taken to be {codec.fps:g} a second (--fps)')
    return lines


def class_names(model: nn.Module, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """A name for each class of the head ``action``: those given, else the config's ``actions``, else numbers.

    Raises:
        InputError: as many names as classes are needed.
    """
    count = model.heads['action'].fc2.out_features
    names = names or model.cfg.get('actions') or [f'class {i}' for i in range(count)]
    if len(names) != count:
        raise InputError(f'{len(names)} names for {count} classes; give one for each class')
    return tuple(names)


def track_clips(codec: Any, table: KeypointTable) -> Iterator[tuple[slice, dict[str, Any], float]]:
    """Each segment of a person without a long gap, with the joints and at the frame rate of a codec.

    Args:
        codec: of a model; its frame rate may be ``None``, any.
        table: N rows of keypoints.

    Yields:
        The segment's rows; a sample with ``keypoints`` (T, J, 2), ``keypoints_visible``, ``skeleton`` and
        ``img_shape``; and the frames of the sample in one frame of the table.

    Raises:
        InputError: the joint set is unknown or cannot be converted, or see :meth:`KeypointTable.check_pixels`.
    """
    table.check_pixels()
    skeleton = table.skeleton or codec.skeleton.name
    keypoints, visible = convert_keypoints(table.keypoints, skeleton, codec.skeleton.name, table.keypoints_visible)
    metadata = {'skeleton': codec.skeleton.name, 'img_shape': table.img_shape or _guess_img_shape(keypoints, visible)}
    step = codec.fps / table.fps if table.fps and codec.fps else 1.0
    for rows in _segments(table):
        frames = table.frame_indices[rows] - table.frame_indices[rows.start]
        dense = {'keypoints': np.zeros((frames[-1] + 1, *keypoints.shape[1:]), np.float32)}
        dense['keypoints_visible'] = np.zeros(dense['keypoints'].shape[:2], np.float32)
        dense['keypoints'][frames], dense['keypoints_visible'][frames] = keypoints[rows], visible[rows]
        if step != 1:
            dense = _resample_clip(**dense, step=step)
        yield rows, {**dense, **metadata}, step


def _segments(table: KeypointTable) -> Iterator[slice]:
    """Rows of one person without a gap longer than ``MAX_GAP`` frames."""
    for _, rows in table.tracks():
        cuts = np.flatnonzero(np.diff(table.frame_indices[rows]) > MAX_GAP) + 1 + rows.start
        for start, stop in zip([rows.start, *cuts], [*cuts, rows.stop], strict=True):
            yield slice(int(start), int(stop))


def interpolate(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values (T, ...) at positions (M,) on the time axis, in frames, linearly (M, ...); outside the edge repeats."""
    where = np.clip(where, 0, len(values) - 1)
    lower = np.floor(where).astype(int)
    upper = np.minimum(lower + 1, len(values) - 1)
    fraction = (where - lower).astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return values[lower] * (1 - fraction) + values[upper] * fraction


def at_rate(inputs: torch.Tensor, fps: float | None, rate: float | None) -> torch.Tensor:
    """Encoded inputs (T, J, C) at another frame rate, linearly; a joint with a zero in all channels is missing.

    Without one of the rates, or of several persons (M, T, J, C), they stay as they are.
    """
    if not fps or not rate or fps == rate or inputs.ndim != 3:
        return inputs
    values, where = inputs.cpu().numpy(), np.arange(int((len(inputs) - 1) * rate / fps) + 1) * fps / rate
    present = (values != 0).any(-1, keepdims=True).astype(np.float32)
    return torch.from_numpy(interpolate(values, where) * (interpolate(present, where) > 0.999)).to(inputs)


def at_rows(values: np.ndarray, table: KeypointTable, rows: slice, step: float) -> np.ndarray:
    """Values (T, ...) of a sample of :func:`track_clips` at the rows of its segment, (n, ...)."""
    frames = table.frame_indices[rows]
    return interpolate(values, (frames - frames[0]) * step)


def _resample_clip(keypoints: np.ndarray, keypoints_visible: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """Another frame rate; a joint between two frames is present only if it is in both."""
    where = np.arange(int(np.floor((len(keypoints) - 1) * step)) + 2) / step
    present = interpolate((keypoints_visible > 0).astype(np.float32), where) > 0.999
    return {
        'keypoints': interpolate(keypoints, where),
        'keypoints_visible': np.where(present, interpolate(keypoints_visible, where), 0).astype(np.float32),
    }


def _guess_img_shape(keypoints: np.ndarray, visible: np.ndarray) -> tuple[int, int]:
    """A picture in whose middle the keypoints lie."""
    points = keypoints[visible > 0]
    if not len(points):
        return 1000, 1000
    width, height = np.ceil((points.min(0) + points.max(0)).clip(min=2))
    return int(height), int(width)

"""Inference functions: a model, of torch or exported, and keypoints to 3D poses, scores and embeddings."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..skeletons import convert_keypoints, find_conversion
from ..structures import KeypointTable, Result
from ..structures.keypoint_table import split_scores
from ..tracking import interpolate, smooth
from ..tracking.signals import DEFAULT_SMOOTHING
from ..utils import release_memory
from .track_clips import Clip, track_clips

_TOGETHER = 10_000  # frames that are lifted together
_LONG = 10_000  # rows of a table from which memory is given back


def inference_lifter(
    model: Any,
    keypoints: np.ndarray,
    keypoints_visible: np.ndarray | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
    skeleton: str | None = None,
) -> np.ndarray:
    """Lifts the keypoints of one person in consecutive frames.

    Args:
        model: of :func:`~poselifter.apis.init_model`, or an :class:`~poselifter.apis.ExportedModel`.
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


def lift_table(model: Any, table: KeypointTable, **options: Any) -> np.ndarray:
    """Lifts every person of a table of N rows to poses (N, K, 3) float32, see :func:`inference_lifter`.

    Frames in which a person is missing are bridged. Another frame rate than the model's is resampled to it and back.

    Args:
        model: of :func:`~poselifter.apis.init_model`, or an :class:`~poselifter.apis.ExportedModel`.
        table: N rows of keypoints.
        **options: ``smoothing`` and others of :func:`predict_table`.

    Raises:
        InputError: the joint set is unknown or cannot be converted.
    """
    return predict_table(model, table, ['pose'], **options).poses


def predict_table(
    model: Any,
    table: KeypointTable,
    names: Sequence[str],
    batch_size: int | None = None,
    smoothing: str | float | None = DEFAULT_SMOOTHING,
    progress: Callable[[float, int], None] | None = None,
) -> Result:
    """Poses, scores and embeddings for every person of a table; windows of all persons share forward passes.

    Missing joints are filled in with low scores (:func:`~poselifter.tracking.fill_missing`). Poses of a model that was
    calibrated have an uncertainty.

    Args:
        model: of :func:`~poselifter.apis.init_model`, or an :class:`~poselifter.apis.ExportedModel`.
        table: N rows of keypoints.
        names: of heads: ``pose``, ``action`` and others that read clips.
        batch_size: windows in one forward pass; ``None`` means the model's.
        smoothing: of poses: ``'off'``, ``'light'``, ``'strong'`` or a frequency in hertz, see
            :func:`~poselifter.tracking.smooth`.
        progress: called after each batch with the rows that it was, a fraction, and N.

    Raises:
        InputError: the joint set is unknown or cannot be converted, or no such ``smoothing``.
    """
    config = vars(model).get('cfg', {})  # a model built by hand has none
    calibration = config.get('uncertainty') if 'pose' in names else None
    rows, arrays = [], {}
    for group in _groups(track_clips(model.codec, table, fill=True)):
        count = sum(len(clip.where) for clip in group)

        def report(part: float, count: int = count) -> None:
            if progress:
                progress(part * count, len(table.keypoints))

        outputs = _predict_group(model, group, names, batch_size, smoothing, calibration, report)
        for clip, values in zip(group, outputs, strict=True):
            rows.append(clip.rows)
            for name, array in values.items():  # each goes to its place at once: copies of an hour take much room
                if name not in arrays:
                    arrays[name] = np.empty((len(table.keypoints), *array.shape[1:]), array.dtype)
                arrays[name][clip.rows] = array
        if len(table.keypoints) > _LONG:  # takes 2 ms, too long for each frame of a stream
            release_memory()
    fields = {'segments': rows, **assumed_metadata(model)}
    if 'pose' in names:
        fields |= {'poses': arrays['pose'], 'skeleton_3d': model.codec.result_skeleton.name}
        fields['uncertainty'] = arrays.get('uncertainty')
    if 'action' in names:
        fields |= {'scores': arrays['action'], 'classes': class_names(model)}
    others = [name for name in names if name not in ('pose', 'action')]
    means = {name: [arrays[name][part].mean(0) for part in rows] for name in others}
    embeddings = {name: np.stack([mean / np.linalg.norm(mean) for mean in part]) for name, part in means.items()}
    return Result(table, embeddings=embeddings, model=config.get('model_name'), **fields)


def _groups(clips: Iterable[Clip]) -> Iterator[list[Clip]]:
    """Clips that are lifted together: as many as have ``_TOGETHER`` frames, or one that is longer."""
    group, frames = [], 0
    for clip in clips:
        if group and frames + len(clip.sample['keypoints']) > _TOGETHER:
            yield group
            group, frames = [], 0
        group.append(clip)
        frames += len(clip.sample['keypoints'])
    yield group


def _predict_group(
    model: Any,
    clips: Sequence[Clip],
    names: Sequence[str],
    batch_size: int | None,
    strength: str | float | None,
    calibration: dict[str, Any] | None,
    report: Callable[[float], None],
) -> Iterator[dict[str, np.ndarray]]:
    """Each clip's outputs at its rows."""
    codec = model.codec
    sequences = [codec.encode(clip.sample)['inputs'] for clip in clips]
    outputs = _over_time(model, sequences, names, batch_size, report)
    for clip, values in zip(clips, outputs, strict=True):
        arrays = {name: values[name] for name in names}
        if 'pose' in arrays:
            poses = smooth(arrays['pose'], clip.rate, strength)
            arrays['pose'] = convert_keypoints(poses, codec.skeleton_3d.name, codec.result_skeleton.name)
        if calibration:
            scores = clip.sample['keypoints_visible']
            arrays['uncertainty'] = expected_error(values['disagreement'], scores, calibration)
        degrees = {name: 3 if name == 'pose' else 1 for name in arrays}
        yield {name: interpolate(value, clip.where, degree=degrees[name]) for name, value in arrays.items()}


def _over_time(
    model: Any,
    sequences: list[np.ndarray],
    names: Sequence[str],
    batch_size: int | None,
    report: Callable[[float], None],
) -> list[dict[str, np.ndarray]]:
    """Outputs of sequences; a long one is read in blocks whose windows are the same, so that memory stays bounded."""
    window, length = model.window, len(sequences[0])
    if len(sequences) > 1 or length <= _TOGETHER:
        return model.predict_sequences(sequences, names, batch_size, report)
    margin = -(-window.length * window.dilation // window.stride) * window.stride
    size, parts = _TOGETHER // window.stride * window.stride, []
    for start in range(0, length, size):
        stop = min(start + size, length)
        low, count = max(start - margin, 0), stop - start

        def of_block(part: float, count: int = count) -> None:
            report(part * count / length)

        [values] = model.predict_sequences([sequences[0][low : stop + margin]], names, batch_size, of_block)
        parts.append({name: value[start - low :][:count] for name, value in values.items()})
    return [{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}]


def assumed_metadata(model: Any) -> dict[str, Any]:
    """``skeleton`` and ``fps`` of keypoints that have none: the model's."""
    return {'skeleton': model.codec.skeleton.name, 'fps': model.codec.fps}


def assumptions(codec: Any, table: KeypointTable) -> list[str]:
    """Lines for the user on what a codec converts and assumes of a table."""
    lines = []
    if table.skeleton not in (None, codec.skeleton.name):
        approximate = ', '.join(find_conversion(table.skeleton, codec.skeleton.name).approximate) or 'none'
        lines.append(f'{table.skeleton} is converted to {codec.skeleton.name}; approximate joints: {approximate}')
    for track, names in unseen_joints(codec, table).items():
        lines.append(
            f'track {track}: {names} are never seen in the picture; they are guessed from the rest of the body'
        )
    if table.img_shape is None:
        lines.append('the image size is unknown; the image is taken to be centred on the keypoints (--image-size)')
    if table.fps is None and codec.fps:
        lines.append(f'the frame rate is unknown; it is taken to be {codec.fps:g} a second (--fps)')
    return lines


def unseen_joints(codec: Any, table: KeypointTable) -> dict[str, str]:
    """By track that has some, names of the joints of a codec that no frame in 20 shows within the picture."""
    unseen = {}
    for track, rows in table.tracks():
        shown = table.keypoints_visible[rows] > 0
        if table.img_shape:  # detectors place what is cut off, too
            shown &= ((table.keypoints[rows] >= 0) & (table.keypoints[rows] <= table.img_shape[::-1])).all(-1)
        seen = (shown.mean(0) >= 0.05)[None].astype(np.float32)
        points = np.zeros((*seen.shape, 2), np.float32)
        _, visible = convert_keypoints(points, table.skeleton or codec.skeleton.name, codec.skeleton.name, seen)
        if (visible == 0).any():
            unseen[track] = ', '.join(np.array(codec.skeleton.joint_names)[visible[0] == 0])
    return unseen


def class_names(model: Any, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """A name for each class of the head ``action``: those given, else the config's ``actions``, else numbers.

    Raises:
        InputError: as many names as classes are needed.
    """
    count = model.heads['action'].fc2.out_features
    names = names or model.cfg.get('actions') or [f'class {i}' for i in range(count)]
    if len(names) != count:
        raise InputError(f'{len(names)} names for {count} classes; give one for each class')
    return tuple(names)


def expected_error(disagreement: np.ndarray, scores: np.ndarray, calibration: dict[str, Any]) -> np.ndarray:
    """Expected distance (T, K) of joints from the truth, metres.

    It is linear, with weights of at least 0 for each joint, in 1, the two disagreements and what a score lacks to 1.

    Args:
        disagreement: (T, K, 2) of the mirrored clip and of shifted windows, network units.
        scores: (T, K) of the keypoints; joints of input and output are the same.
        calibration: ``weights`` (K, 4), made by ``benchmarks/lifting_options.py calibrate``.
    """
    features = np.concatenate([np.ones_like(scores)[..., None], disagreement, 1 - scores[..., None]], -1)
    return np.einsum('tkf,kf->tk', features, np.asarray(calibration['weights'], np.float32))

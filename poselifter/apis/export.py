"""Models that lift to files that run without this program: ONNX, and torch.export's pt2."""

import contextlib
import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError, in_short, reading
from ..geometry import denormalize_screen
from ..models.estimators import MotionEstimator
from ..skeletons import find_conversion
from ..structures import KeypointTable
from ..utils import atomic_write, shipped_root
from ..utils.arrays import load_arrays
from ..version import __version__
from .exported import FORMAT, ExportedModel
from .track_clips import track_clips

OPSET = 18  # of ONNX; onnxruntime 1.14 and later, and onnxruntime-web, run it
AGREES = 1e-4  # metres by which a float32 export may differ from torch
NUDGE, JUMP = 1e-7, 2e-5  # of inputs, about a rounding error; metres that torch's poses move by it at a jump only
RARE = 0.1  # the part of the frames in which an export may jump elsewhere
PRECISIONS = ('float32', 'half', 'int8')
Trial = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray], np.ndarray]  # torch, file, clips
_SUFFIXES = ('.onnx', '.pt2')
_LOUD = ('torch.onnx', 'torch.export', 'torch.fx', 'onnxscript', 'onnx_ir', 'root')


class _PoseNetwork(nn.Module):
    """Network-space poses (B, outputs, K, 3) of clips (B, T, J, C), normalisation by the window and all."""

    def __init__(self, model: MotionEstimator) -> None:
        super().__init__()
        self.model = model
        returned = len(model.output_frames(model.window.length)[model.feature_of('pose')])
        self.kept = None if model.window.outputs == returned else model.kept

    def forward(self, inputs: Tensor) -> Tensor:
        poses = self.model.pose(inputs)
        return poses if self.kept is None else poses[:, self.kept]


def export_model(
    model: nn.Module,
    path: str | os.PathLike[str],
    precision: str = 'float32',
    licence: str | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Exports a model, and checks that the file predicts what the model does; else nothing is written.

    Args:
        model: of :func:`~poselifter.apis.init_model`; its head ``pose`` is exported.
        path: of the file: ``.onnx``, or ``.pt2``.
        precision: ``'float32'``; of ONNX also ``'half'`` (float16) and ``'int8'`` (dynamic).
        licence: of the weights; by default that of the model of the zoo.
        say: called with lines for the user.

    Returns:
        The metadata, see :func:`metadata_of`, and ``difference``, the largest to torch in metres, float32, where torch
        itself does not jump, and ``cost_mm``, the mean distance of joints to float32 in millimetres, on the clip that
        ships.

    Raises:
        InputError: the model does not lift, cannot be exported or changes by it, a package is missing, or the file
            cannot be written.
    """
    path = Path(path)
    _check(model, path, precision)
    metadata = metadata_of(model, precision, licence)
    network, clip = _PoseNetwork(model).eval(), example_clip(model)
    with _quiet():
        program, frames = _exported_program(network, clip, any_length=path.suffix == '.onnx')
    metadata |= {'frames': frames, 'slides': frames[0] != frames[1] and _slides(model)}
    with atomic_write(path) as temporary:
        if path.suffix == '.pt2':
            torch.export.save(program, str(temporary), extra_files={'poselifter.json': json.dumps(metadata)})
            run = torch.export.load(str(temporary)).module()
        else:
            with _quiet():
                run = _save_onnx(program, temporary, metadata)
        difference, turned = _difference(_trials(network, run, model, clip, frames))
        if not difference <= AGREES:
            raise InputError(
                f'the export of {metadata["model"]} differs from torch by {difference:.2g} m, expected {AGREES:g} at '
                f'most: it is not written; give another version of torch or onnxruntime'
            )
        say(f'float32 agrees with torch: largest difference {difference:.1e} m')
        if turned:
            say(f'not compared: {turned:.1%} of the frames, where torch itself jumps when its inputs move by {NUDGE:g}')
        cost = 0.0
        if precision != 'float32':
            before = run.predict_sequences([clip], ['pose'])[0]['pose']
            with _quiet():
                _reduce(temporary, precision, metadata)
            after = ExportedModel(temporary).predict_sequences([clip], ['pose'])[0]['pose']
            cost = float(np.linalg.norm(after - before, axis=-1).mean()) * 1000
            say(f'{precision} costs: joints are {cost:.2f} mm from those of float32, on average')
    least, most = frames
    span = f'{least} frames' if least == most else f'{least} to {most or "any number of"} frames'
    say(f'inputs (batch, {span}, {model.codec.skeleton.num_joints}, {clip.shape[-1]}), opset {metadata["opset"]}')
    return {**metadata, 'difference': difference, 'cost_mm': round(cost, 3)}


def metadata_of(model: MotionEstimator, precision: str = 'float32', licence: str | None = None) -> dict[str, Any]:
    """Everything that a file must say to be used; of an ONNX file each entry is JSON in its ``metadata_props``.

    Returns:
        ``poselifter``: ``format`` and ``version``; ``model``, its name; ``licence``; ``codec``, its config;
        ``skeleton``, ``skeleton_3d`` and ``result_skeleton``: joint sets of the input, the output and for the user;
        ``unit`` and ``fps``; ``window``: the :class:`~poselifter.structures.WindowPolicy`; ``test``: ``flip_test``,
        ``batch_size``, ``zero_root``; ``uncertainty``; ``opset``; ``precision``; ``frames``: least and most that a
        clip may have, ``None`` being any; ``slides``: a longer clip gives the poses of all windows in it at once.
    """
    codec, config = model.codec, model.cfg
    names = (codec.skeleton, codec.skeleton_3d, codec.result_skeleton)
    return {
        'poselifter': {'format': FORMAT, 'version': __version__},
        'model': config.get('model_name') or Path(config.filename or 'model').stem,
        'licence': licence or config.get('licence') or 'not stated',
        'codec': config.model.codec.to_dict(),
        **dict(zip(('skeleton', 'skeleton_3d', 'result_skeleton'), (each.name for each in names), strict=True)),
        'unit': codec.unit,
        'fps': codec.fps,
        'window': asdict(model.window),
        'test': {'flip_test': model.flip_test, 'batch_size': model.batch_size, 'zero_root': model.zero_root},
        'uncertainty': config.get('uncertainty'),
        'opset': OPSET,
        'precision': precision,
        'frames': [model.window.length] * 2,
        'slides': False,
    }


def example_clip(model: MotionEstimator) -> np.ndarray:
    """The clip that ships as the model's codec encodes it, (T, J, C); of other joint sets a body that swings."""
    codec, clip = model.codec, load_arrays(shipped_root() / 'demo' / 'clip.npz')
    count = int((model.window.length + 20) * 30 / (codec.fps or 30)) + 1
    rows = np.arange(max(len(clip['keypoints']), count))
    again, rows = np.divmod(rows, len(clip['keypoints']))
    points, scores = clip['keypoints'][rows] + 3.0 * again[:, None, None], clip['keypoints_visible'][rows]
    skeleton = str(clip['skeleton'])
    try:
        find_conversion(skeleton, codec.skeleton.name)
    except InputError:
        phases = np.random.default_rng(0).uniform(0, 6, (2, codec.skeleton.num_joints, 2))
        swing = np.sin(phases[0] + rows[:, None, None] / 10) * 0.1 + np.sin(phases[1]) * 0.3
        points, scores, skeleton = denormalize_screen(swing, 1280, 720), None, codec.skeleton.name
    table = KeypointTable.of_person(points, scores, skeleton=skeleton, img_shape=(720, 1280), fps=30)
    return codec.encode(next(track_clips(codec, table, fill=True)).sample)['inputs']


def _check(model: MotionEstimator, path: Path, precision: str) -> None:
    if not (isinstance(model, MotionEstimator) and 'pose' in model.heads):
        raise InputError(f'{type(model).__name__} has no head pose: only models that lift are exported')
    refining = [name for name, head in model.heads.items() if head.reads == 'poses']
    if refining or model.shuffle_frames:
        raise InputError(f'what refines poses ({refining}) and shuffled frames are not exported; leave them out')
    if path.suffix not in _SUFFIXES:
        raise InputError(f'{path} has the ending {path.suffix!r}, expected .onnx or .pt2')
    if precision not in PRECISIONS or (precision != 'float32' and path.suffix == '.pt2'):
        raise InputError(f'precision {precision!r} cannot be had in {path.suffix}; of .onnx: {", ".join(PRECISIONS)}')
    if path.suffix == '.onnx':
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise InputError(f'export needs {error.name}; run: pip install onnx onnxruntime onnxscript') from error


def _exported_program(network: nn.Module, clip: np.ndarray, any_length: bool) -> tuple[Any, list[int | None]]:
    """The program, and the least and most frames that it takes."""
    model, length = network.model, network.model.window.length
    (least, most), attempts = model.backbone.frame_range, [(length, length)]
    if model.neck is None and least != most and (any_length or most is not None):
        attempts = [(least, most), *attempts]
    for least, most in attempts:
        frames = None
        if least != most:  # a program that is made with one output takes no more
            frames = torch.export.Dim('frames', min=least if most else least + 1, max=most)
        clips = torch.from_numpy(clip[np.arange(2)[:, None] + np.arange(length if most else length + 8)])
        try:
            with torch.no_grad():
                shapes = {'inputs': {0: torch.export.Dim('batch', min=1), 1: frames}}
                return torch.export.export(network, (clips,), dynamic_shapes=shapes), [least, most]
        except Exception as error:  # whatever a part of the model makes of a number that is not known
            failure = error
    name = type(model.backbone).__name__
    raise InputError(f'{name} cannot be exported ({in_short(failure)}); write it without branches on values')


def _slides(model: MotionEstimator) -> bool:
    window = model.window
    plain = window.stride == window.outputs == window.dilation == 1 and not model.codec.window_box
    return model.backbone.slides and plain and window.length == model.backbone.frame_range[0]


def _save_onnx(program: Any, path: Path, metadata: dict[str, Any]) -> ExportedModel:
    names = {'input_names': ['inputs'], 'output_names': ['poses']}
    advice = 'newer versions of torch and onnxscript know more, see requirements/constraints.txt'
    with reading(f'torch {torch.__version__} cannot write this network as ONNX', advice, (Exception,)):
        exported = torch.onnx.export(program, (), dynamo=True, opset_version=OPSET, verbose=False, **names)
    exported.save(str(path))
    return _finish(path, metadata)


def _finish(path: Path, metadata: dict[str, Any]) -> ExportedModel:
    """Puts the metadata into an ONNX file and opens it."""
    import onnx

    proto = onnx.load(str(path))
    graph = proto.graph
    shape = graph.input[0].type.tensor_type.shape.dim
    names = {dim.dim_param: name for dim, name in zip(shape, ('batch', 'frames'), strict=False) if dim.dim_param}
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]
    for node in graph.node:  # where in the source a node comes from: paths of this machine
        del node.metadata_props[:]
        node.doc_string = ''
    onnx.helper.set_model_props(proto, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.save(proto, str(path))
    return ExportedModel(path)


def _reduce(path: Path, precision: str, metadata: dict[str, Any]) -> None:
    """Turns the float32 weights of a file into smaller ones."""
    import onnx

    if precision == 'int8':
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.quantization.shape_inference import quant_pre_process

        quant_pre_process(str(path), str(path), skip_symbolic_shape=True)  # which splits weights that are one
        graph = onnx.load(str(path)).graph
        weights = {each.name for each in graph.initializer}
        products = [node.name for node in graph.node if node.op_type in ('MatMul', 'Gemm') and weights & {*node.input}]
        ends = [products[0], products[-1]]  # of coordinates: there 8 bits cost most and save least
        # seven bits of weights: with eight, sums overflow on processors without VNNI
        kinds = {'weight_type': QuantType.QInt8, 'reduce_range': True}
        quantize_dynamic(str(path), str(path), **kinds, per_channel=True, nodes_to_exclude=ends)
    else:
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(str(path)), keep_io_types=True), str(path))
    _finish(path, metadata)


def _trials(network: nn.Module, run: Any, model: MotionEstimator, clip: np.ndarray, frames: list) -> Iterator[Trial]:
    """Several sizes of clips and batches, and a whole lift."""
    least, most = frames

    def decoded(poses: np.ndarray) -> np.ndarray:
        return np.concatenate([model.codec.decode(each, zero_root=model.zero_root) for each in poses])

    def plain(clips: np.ndarray) -> np.ndarray:
        return decoded(network(torch.from_numpy(clips)).numpy())

    def written(clips: np.ndarray) -> np.ndarray:
        return decoded(run.run(clips) if lifts else run(torch.from_numpy(clips)).numpy())

    lifts = isinstance(run, ExportedModel)
    lengths = {least, model.window.length, most or model.window.length + 7, (least + model.window.length) // 2}
    for length in sorted(lengths):
        for batch in (1, 3):
            yield plain, written, clip[np.arange(batch)[:, None] * 5 + np.arange(length)]
    if lifts:
        ours, theirs = (lambda c, m=m: m.predict_sequences([c], ['pose'])[0]['pose'] for m in (run, model))
        yield theirs, ours, clip


@torch.no_grad()
def _difference(trials: Iterable[Trial]) -> tuple[float, float]:
    """Largest distance of a file's joints from torch's in metres, and the part of the frames that is left out.

    A network that chooses (MotionAGFormer: which frames are neighbours) jumps where two choices are as good, whatever
    computes it. So a frame that differs is left out if torch itself jumps there when inputs are off by about a rounding
    error. If more than a tenth of the frames differ, none is left out.
    """
    rng = np.random.default_rng(0)
    results = [(plain, clips, plain(clips), written(clips)) for plain, written, clips in trials]
    apart = [_apart(found, expected) for _, _, expected, found in results]
    if (np.concatenate(apart) > AGREES).mean() <= RARE:
        for (plain, clips, expected, _), distances in zip(results, apart, strict=True):
            for _ in range(32):  # each turns such a choice with a chance of a half
                if np.isinf(distances).any() or not (distances > AGREES).any():
                    break
                nudged = clips + NUDGE * rng.standard_normal(clips.shape, np.float32)
                jumps = (_apart(plain(nudged), expected) > JUMP) & (distances > AGREES)
                distances[jumps] = np.nan
    everything = np.concatenate(apart)
    return float(np.nanmax(everything)), float(np.isnan(everything).mean())


def _apart(poses: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The largest distance (T,) of a joint in each frame; infinite where a pose has no numbers or another shape."""
    if poses.shape != expected.shape:
        return np.array([np.inf])
    distances = np.linalg.norm(poses - expected, axis=-1).max(-1)
    return np.where(np.isnan(distances), np.inf, distances)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what the exporter says of itself from the user."""
    levels = {name: logging.getLogger(name).level for name in _LOUD}
    try:
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

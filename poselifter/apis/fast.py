"""The fastest way to run a model on the machine at hand, by measurement."""

import hashlib
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..models.estimators import MotionEstimator
from ..version import __version__
from .export import example_clip, export_model
from .exported import ExportedModel

CLOSE = 0.5  # mm, the mean distance of joints from float32 that a faster way may cost
_ROUNDS = 3


def pick_fastest(model: Any, exports: bool = True, say: Callable[[str], None] = print) -> Any:
    """Times a model in float32, in bfloat16, and exported, and says what each costs.

    bfloat16 is that of the encoder; what reads coordinates and gives them stays in float32.

    Args:
        model: of :func:`~poselifter.apis.init_model`; one that is exported already stays as it is.
        exports: try onnxruntime too, in float32 and int8, where the extra ``export`` is installed and the model is on
            the CPU and only lifts. Exports are kept in ``$POSELIFTER_HOME/exports`` (default ``~/.cache/poselifter``).
        say: called with lines for the user.

    Returns:
        The fastest of those whose joints are, on average, within 0.5 mm of float32 on the clip that ships.
    """
    if not isinstance(model, MotionEstimator) or 'pose' not in model.heads:
        say('fast: this model is run as it is')
        return model
    clip = example_clip(model)
    ways: dict[str, Callable[[], Any]] = {name: _with_dtype(model, kind) for name, kind in _DTYPES.items()}
    if exports and next(model.parameters()).device.type == 'cpu' and list(model.heads) == ['pose']:
        if all(map(find_spec, ('onnx', 'onnxruntime', 'onnxscript'))):
            ways |= {f'onnxruntime, {precision}': _exported(model, precision, say) for precision in ('float32', 'int8')}
        else:
            say('fast: onnxruntime is not tried; run: pip install onnx onnxruntime onnxscript')
    poses, seconds = _measure(ways, clip)
    costs = {name: 1000 * float(np.linalg.norm(poses[name] - poses['float32'], axis=-1).mean()) for name in ways}
    for name in ways:
        say(f'fast: {name}: {seconds["float32"] / seconds[name]:.2f} times as fast, {costs[name]:.2f} mm from float32')
    best = min((name for name in ways if costs[name] <= CLOSE), key=seconds.get)
    say(f'fast: {best} is taken, the fastest within {CLOSE} mm on this machine')
    return ways[best]()


_DTYPES = {'float32': None, 'bfloat16': torch.bfloat16}


def _with_dtype(model: MotionEstimator, dtype: torch.dtype | None) -> Callable[[], MotionEstimator]:
    def prepared() -> MotionEstimator:
        model.encoder_dtype = dtype
        return model

    return prepared


def _exported(model: MotionEstimator, precision: str, say: Callable[[str], None]) -> Callable[[], ExportedModel]:
    """An export that is made once."""
    mark = hashlib.sha256(f'{__version__} {precision} {model.cfg.model} {model.flip_test}'.encode())
    for name, value in model.state_dict().items():
        mark.update(name.encode() + value.numpy().tobytes())
    home = Path(os.environ.get('POSELIFTER_HOME', '~/.cache/poselifter')).expanduser()
    path = home / 'exports' / f'{mark.hexdigest()[:16]}.onnx'
    if not path.is_file():
        say(f'fast: the model is exported once, to {path}')
        export_model(model, path, precision, say=lambda line: None)
    exported = ExportedModel(path, threads=torch.get_num_threads())
    return lambda: exported


def _measure(ways: dict[str, Callable[[], Any]], clip: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Poses (T, K, 3) and the least seconds of each way, which are run in turns, so that other load hits all alike."""
    poses, seconds = {}, dict.fromkeys(ways, np.inf)
    for round_ in range(_ROUNDS + 1):
        for name, way in ways.items():
            model, start = way(), time.perf_counter()
            [result] = model.predict_sequences([clip], ['pose'])
            poses[name] = result['pose']
            if round_:  # the first warms up
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    return poses, seconds

"""The application that lifts in the browser: networks and page in one folder, or served to this machine."""

import json
import os
import tempfile
import time
import webbrowser
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..detection import blazepose, regions
from ..detection.weights import find_weights
from ..errors import InputError
from ..skeletons import find_conversion, get_skeleton, list_conversions
from ..tracking import OneEuroFilter, fill
from ..tracking.signals import DEFAULT_SMOOTHING, SMOOTHING
from ..utils import atomic_write, shipped_root
from ..visualization.app_page import page_files
from ..visualization.html import describe_skeleton
from ..visualization.local_server import serve_files
from .exported import ExportedModel
from .streaming import FASTER, STREAM_SMOOTHING
from .track_clips import MAX_GAP
from .zoo import TINY_MODEL

_CODEC = 'RootRelativeLifting'
_NETWORKS = {'lite': 'blazepose-lite', 'full': 'blazepose-full', 'detector': 'blazepose-detector'}
_NOTICES = ('LICENSE.blazepose.txt', 'NOTICE.blazepose.txt')


def app_files(
    model: str | os.PathLike[str] | None = None, say: Callable[[str], None] = print
) -> tuple[dict[str, bytes | Path], dict[str, str]]:
    """The files of the application by name, and the headers that its own server sends.

    Args:
        model: an exported file, or a name of the zoo, which is exported now and needs torch; ``None`` means the
            tiny model that ships.
        say: called with lines for the user.

    Raises:
        InputError: the model cannot be exported, or is of a kind that the application does not run.
    """
    path, name = Path(model or ''), str(model or TINY_MODEL)
    if name.endswith('.onnx'):
        metadata, lifter = ExportedModel(path).metadata, path.read_bytes()
    else:
        from .export import export_model
        from .inference import init_model

        say(f'exporting {name}; a file of `poselifter export`, --model FILE.onnx, starts at once')
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'lifter.onnx'
            export_model(init_model(name), path, say=lambda line: None)
            metadata, lifter = ExportedModel(path).metadata, path.read_bytes()
    files, policy = page_files()
    for network in _NETWORKS.values():
        files[f'{network}.onnx'] = find_weights(network)
    files |= {name: shipped_root() / 'zoo' / name for name in _NOTICES}
    files |= {'lifter.onnx': lifter, 'facts.json': json.dumps(app_facts(metadata)).encode()}
    return files, {'Content-Security-Policy': f"{policy}; frame-ancestors 'none'"}


def app_facts(metadata: dict[str, Any]) -> dict[str, Any]:
    """Everything that the programs of the page read rather than know: tables, thresholds and the model's metadata.

    Raises:
        InputError: the page cannot encode or decode for the model's codec.
    """
    codec = metadata['codec']
    if codec['type'] != _CODEC:
        raise InputError(f'the application runs models of the codec {_CODEC}, {metadata["model"]} has {codec["type"]}')
    skeleton, skeleton_3d = get_skeleton(metadata['skeleton']), get_skeleton(metadata['skeleton_3d'])
    sources = [skeleton.name, *(source for source, target in list_conversions() if target == skeleton.name)]
    mean, covariance = fill.bodies_2d() if skeleton.name == 'h36m17' else (None, None)
    calm = STREAM_SMOOTHING[DEFAULT_SMOOTHING]
    [speed] = [field.default for field in fields(OneEuroFilter) if field.name == 'speed_cutoff']
    return {
        'model': metadata,
        'files': {name: f'{network}.onnx' for name, network in (*_NETWORKS.items(), ('lifter', 'lifter'))},
        'detector': {
            **{key: getattr(regions, key.upper()) for key in ('side', 'tile', 'enlarged', 'near')},
            **{key: getattr(blazepose, key.upper()) for key in ('crop', 'hips', 'top', 'likely', 'present')},
            **{key: getattr(blazepose, key.upper()) for key in ('search', 'wider', 'memory')},
            'anchors': regions.make_anchors().round(7).tolist(),
            'skeleton': blazepose.BlazePose.skeleton,
        },
        'conversions': {name: _table(name, skeleton.name) for name in sources},
        'result': _table(skeleton_3d.name, metadata['result_skeleton']),
        'flip': [int(joint) for joint in skeleton.flip_indices],
        'flip_3d': [int(joint) for joint in skeleton_3d.flip_indices],
        'root': skeleton_3d.root if metadata['test']['zero_root'] else None,
        'scale': {'m': 1.0, 'mm': 1000.0}[metadata['unit']],
        'confidence': codec.get('confidence', False),
        'keep_missing': codec.get('keep_missing', False),
        'max_gap': MAX_GAP,
        'smoothing': SMOOTHING[DEFAULT_SMOOTHING],
        'stream': {'min_cutoff': calm, 'beta': FASTER * calm, 'speed_cutoff': speed},
        'fill': {
            **{key: getattr(fill, key.upper()) for key in ('held', 'score', 'guess', 'noise', 'fewest')},
            'mean': None if mean is None else mean.tolist(),
            'covariance': None if covariance is None else covariance.tolist(),
        },
        'skeleton_2d': describe_skeleton(blazepose.BlazePose.skeleton),
        'skeleton_3d': {'name': metadata['result_skeleton'], **describe_skeleton(metadata['result_skeleton'])},
    }


def _table(source: str, target: str) -> dict[str, Any]:
    """A conversion for JSON."""
    conversion, names = find_conversion(source, target), get_skeleton(target).joint_names
    return {'parts': conversion.parts, 'mean_scores': [name in conversion.mean_scores for name in names]}


def write_app(folder: str | os.PathLike[str], files: dict[str, bytes | Path]) -> None:
    """Writes the files of the application; raises InputError where they cannot be written."""
    for name, content in files.items():
        with atomic_write(Path(folder) / name) as temporary:
            temporary.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def serve_app(
    files: dict[str, bytes | Path],
    headers: dict[str, str],
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serves the application to this machine until Ctrl-C.

    Args:
        files, headers: see :func:`app_files`.
        port: of 127.0.0.1; 0 takes a free one.
        browser: open the page.
        say: called with lines for the user.

    Raises:
        InputError: the port cannot be used.
    """
    server = serve_files(files, headers, port)
    say(f'{server.url} (Ctrl-C ends it)')
    try:
        if browser:
            webbrowser.open(server.url)
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:  # how one ends it
        say('stopped')
    finally:
        server.close()

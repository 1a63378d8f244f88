"""Networks of BlazePose as ONNX files: those that ship, and the heavy one, which is fetched and converted once."""

import os
import tarfile
from pathlib import Path

from ..errors import InputError, reading
from ..utils import shipped_root
from ..utils.download import fetch, has_hash
from .tflite_to_onnx import convert_tflite

_BAD_PACKAGE = (tarfile.TarError, OSError, EOFError, KeyError, AttributeError, ValueError)
#: Files that ship, by name; the last part of a file's name is the beginning of its SHA-256.
SHIPPED = {
    'blazepose-detector': 'zoo/blazepose_detector-f6d925f1.onnx',
    'blazepose-lite': 'zoo/blazepose_lite-46715411.onnx',
    'blazepose-full': 'zoo/blazepose_full-a86aaf5d.onnx',
}
#: Package that holds all networks as TFLite (Apache-2.0), its SHA-256, and the networks in it.
PACKAGE = 'https://registry.npmjs.org/@mediapipe/pose/-/pose-0.5.1675469404.tgz'
PACKAGE_SHA256 = '8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84'
MEMBERS = {
    'blazepose-detector': 'package/pose_solution_packed_assets.data',
    'blazepose-lite': 'package/pose_landmark_lite.tflite',
    'blazepose-full': 'package/pose_landmark_full.tflite',
    'blazepose-heavy': 'package/pose_landmark_heavy.tflite',
}
#: Outputs by their number of values: the detector's 2,254 anchors; 39 landmarks of five numbers, in 3D of three.
OUTPUTS = {2254: 'scores', 12 * 2254: 'boxes', 5 * 39: 'landmarks', 3 * 39: 'world', 1: 'presence'}


def find_weights(name: str) -> Path:
    """The ONNX file of a network; the heavy one is fetched and converted at the first call.

    Args:
        name: of ``MEMBERS``.

    Raises:
        InputError: the file is missing or another one, or the heavy one cannot be fetched or converted.
    """
    if name in SHIPPED:
        path = shipped_root() / SHIPPED[name]
        if not path.is_file() or not has_hash(path, path.stem.rsplit('-', 1)[-1]):
            raise InputError(f'{path} is missing or not the one that ships; reinstall poselifter')
        return path
    home = Path(os.environ.get('POSELIFTER_HOME', '~/.cache/poselifter')).expanduser()
    path = home / f'{name.replace("-", "_")}-{PACKAGE_SHA256[:8]}.onnx'
    if not path.is_file():
        convert_network(name, path, fetch(PACKAGE, home, PACKAGE_SHA256))
    return path


def convert_network(name: str, path: str | os.PathLike[str], package: str | os.PathLike[str]) -> None:
    """Converts one of ``MEMBERS`` of the package to an ONNX file; raises InputError as :func:`convert_tflite`."""
    with (
        reading(f'{package} holds no {MEMBERS[name]}', f'fetch it again from {PACKAGE}', _BAD_PACKAGE),
        tarfile.open(package) as archive,
    ):
        data = archive.extractfile(MEMBERS[name]).read()
    convert_tflite(data, path, OUTPUTS)

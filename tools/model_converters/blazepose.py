"""Converts the networks of BlazePose to the ONNX files that ship in zoo/ (the heavy one is not among them).

    python tools/model_converters/blazepose.py OUT_DIR [--package pose-0.5.1675469404.tgz]

Needs ``pip install onnx tflite``; the package comes from the npm registry, with its hash.
"""

import os
from pathlib import Path

from poselifter.detection.weights import MEMBERS, PACKAGE, PACKAGE_SHA256, convert_network
from poselifter.engine.tool import ToolParser
from poselifter.errors import run_program
from poselifter.utils.download import fetch


def main(argv: list[str] | None = None) -> None:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('out_dir', type=Path)
    parser.add_argument('--package', help='the tgz, where it is at hand')
    args = parser.parse_args(argv)
    home = os.environ.get('POSELIFTER_HOME', '~/.cache/poselifter')
    package = args.package or fetch(PACKAGE, home, PACKAGE_SHA256)
    for name in MEMBERS:
        path = args.out_dir / f'{name.replace("-", "_")}.onnx'
        convert_network(name, path, package)
        print(path)


if __name__ == '__main__':
    run_program(main)

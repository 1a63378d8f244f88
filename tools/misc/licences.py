"""Lists the licences of all that poselifter needs and of every file of others that it brings.

    python tools/misc/licences.py [--extra video ...] [--json]

Packages are listed with what they need themselves. A package's licence is what it says of itself, or on PyPI
where it is not installed.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, check_names, run_program
from poselifter.utils import shipped_root
from poselifter.visualization import html

#: Licences that a package's metadata leaves out, by its repository; and those on PyPI, in the versions of
#: ``requirements/constraints.txt``, of packages that few install.
_ELSEWHERE = {
    'ezc3d': 'MIT',
    'smplx': 'of the Max Planck Society: research without commerce (extra mesh alone)',
    **dict.fromkeys(('anny', 'ray', 'msgpack', 'pyarrow', 'requests', 'tzdata', 'warp-lang'), 'Apache-2.0'),
    **dict.fromkeys(('click', 'fsspec', 'idna', 'pandas', 'protobuf', 'python-dateutil', 'roma'), 'BSD-3-Clause'),
    **dict.fromkeys(('attrs', 'charset-normalizer', 'filelock', 'jsonschema', 'jsonschema-specifications'), 'MIT'),
    **dict.fromkeys(('referencing', 'rpds-py', 'trimesh', 'urllib3'), 'MIT'),
    'certifi': 'MPL-2.0',
    'packaging': 'Apache-2.0 OR BSD-2-Clause',
    'typing-extensions': 'PSF-2.0',
}
#: Packages that those of them need which are mostly absent.
_NEEDS = {
    'anny': ('requests', 'roma', 'trimesh', 'warp-lang'),
    'jsonschema': ('attrs', 'jsonschema-specifications', 'referencing', 'rpds-py'),
    'pandas': ('python-dateutil',),
    'python-dateutil': ('tzdata',),
    'ray': (
        *('click', 'filelock', 'fsspec', 'jsonschema', 'msgpack', 'packaging', 'pandas', 'protobuf', 'pyarrow'),
        'requests',
    ),
    'referencing': ('typing-extensions',),
    'requests': ('certifi', 'charset-normalizer', 'idna', 'urllib3'),
}
#: Files with what others made, by pattern; files of ``zoo`` and programs of the pages have theirs beside them.
_MADE_BY_OTHERS = {
    'demo/clip.npz': 'a clip of mocap.cs.cmu.edu, see demo/README.md',
    'poselifter/datasets/cameras.json': 'measured numbers of the cameras of Human3.6M and HumanEva',
    'poselifter/datasets/motionbert_noise.json': 'numbers of MotionBERT (Walter0807/MotionBERT, Apache-2.0)',
    'poselifter/tracking/bodies_2d.json': 'statistics of mocap.cs.cmu.edu',
    'docs/images/*.webp': 'LICENSE.pose2sim.txt, NOTICE.pose2sim.txt',
    'docs/images/two_persons.png': 'LICENSE.pose2sim.txt, NOTICE.pose2sim.txt',
    'docs/images/**/*.png': 'Apache-2.0 (made here)',
    'tests/data/two_persons.mp4': 'LICENSE.pose2sim.txt',
    'tests/data/cmu_tiny.npz': 'clips of mocap.cs.cmu.edu, see tests/data/README.md',
    'tests/data/*': 'Apache-2.0 (made here), see tests/data/README.md',
    'tests/data/versions/*/*': 'Apache-2.0 (made here)',
}
_DATA = ('.npz', '.png', '.webp', '.json', '.mp4', '.h5', '.csv', '.pth', '.safetensors')


def needed_packages(extras: Iterable[str] = ()) -> list[str]:
    """Names of packages that poselifter needs, and of those that they need as far as they are installed."""
    known: dict[str, str] = {}
    todo = [Requirement(f'poselifter[{",".join(extras)}]')]
    while todo:
        need = todo.pop()
        lines = _NEEDS.get(need.name, ())
        known[need.name.lower().replace('_', '-')] = need.name
        with suppress(metadata.PackageNotFoundError):
            lines = metadata.requires(need.name) or ()
        for each in map(Requirement, lines):
            wanted = [{'extra': extra} for extra in ('', *need.extras)]
            fits = each.marker is None or any(each.marker.evaluate(marks) for marks in wanted)
            if fits and each.name.lower().replace('_', '-') not in known:
                todo.append(each)
    return sorted(name for name in known.values() if name != 'poselifter')


def stated_licence(package: str) -> str:
    """The version of a package and the licence that it states, in a line."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return f'not installed here  {_ELSEWHERE.get(package, "not known")}'
    kinds = [line.split(' :: ')[-1] for line in about.get_all('Classifier') or () if line.startswith('License ::')]
    text = about.get('License-Expression') or ', '.join(kinds) or (about.get('License') or '').strip().split('\n')[0]
    text = text[:60] if text not in ('', 'UNKNOWN') else _ELSEWHERE.get(package, 'not stated')
    return f'{about["Version"]}  {text}'


def shipped_files(root: Path) -> dict[str, str]:
    """Licence files and notices of every file of others in the installation, by the file."""
    notices = {path: path.read_text() for path in (root / 'zoo').glob('NOTICE.*')}
    rows = {}
    for path in sorted((root / 'zoo').iterdir()):
        named = [
            (notice.name, re.findall(r'LICENSE\.\w+\.\w+', text))
            for notice, text in notices.items()
            if any(path.match(part.strip(',.')) for part in text.split() if '*' in part)
        ]
        if named:
            rows[f'zoo/{path.name}'] = ', '.join([*named[0][1], named[0][0]])
        elif path.suffix in ('.onnx', '.npz', '.safetensors'):
            rows[f'zoo/{path.name}'] = 'Apache-2.0 (made here)'
    package = Path(html.__file__).parents[1]
    for pattern, licence in _MADE_BY_OTHERS.items():
        inside = pattern.startswith('poselifter/')  # beside the code; the rest lies elsewhere in an installed package
        base = package.parent if inside else root
        for path in sorted(base.glob(pattern)):
            if path.suffix in _DATA:
                rows.setdefault(path.relative_to(base).as_posix(), licence)
    for kind in ('*.min.*js', 'ort-*.mjs', '*.wasm'):
        for path in sorted((package / 'visualization/assets').rglob(kind)):
            [licence] = path.parent.glob('*.LICENSE')
            rows[path.relative_to(package.parent).as_posix()] = licence.name
    return rows


def main(argv: list[str] | None = None) -> None:
    """Prints the lists."""
    parser = ToolParser(__doc__)
    parser.add_argument('--extra', nargs='*', help='extras whose packages count (default: all but tests and docs)')
    parser.add_argument('--json', action='store_true', help='one line of JSON')
    args = parser.parse_args(argv)
    try:
        declared = metadata.metadata('poselifter').get_all('Provides-Extra') or []
    except metadata.PackageNotFoundError:
        raise InputError('poselifter is not installed; run: pip install -e .') from None
    chosen = [name for name in declared if name not in ('tests', 'docs')] if args.extra is None else args.extra
    check_names('--extra', [*chosen, *declared[:1]], declared)
    names = needed_packages(chosen)
    packages = {name: stated_licence(name) for name in names}
    files = shipped_files(shipped_root())
    if args.json:
        print(json.dumps({'packages': packages, 'files': files}))
        return
    for title, rows in (('packages', packages), ('files of others, and weights', files)):
        print(f'{title}:', *(f'  {name:28} {text}' for name, text in rows.items()), sep='\n')


if __name__ == '__main__':
    run_program(main)

"""Lists the licences of all that poselifter needs and of every file of others that it brings.

    python tools/misc/licences.py [--extra video ...] [--json]

Packages are those that are installed, with what they need themselves; a package's licence is what it says of itself.
"""

import json
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, check_names, run_program
from poselifter.utils import shipped_root
from poselifter.visualization import html

#: Licences that a package's metadata leaves out, by its repository.
_ELSEWHERE = {'ezc3d': 'MIT'}


def needed_packages(extras: Iterable[str] = ()) -> list[str]:
    """Names of installed packages that poselifter needs, and those that they need."""
    known: dict[str, str] = {}
    todo = [Requirement(f'poselifter[{",".join(extras)}]')]
    while todo:
        need = todo.pop()
        try:
            lines = metadata.requires(need.name) or ()
        except metadata.PackageNotFoundError:
            continue
        known[need.name.lower().replace('_', '-')] = need.name
        for each in map(Requirement, lines):
            wanted = [{'extra': extra} for extra in ('', *need.extras)]
            fits = each.marker is None or any(each.marker.evaluate(marks) for marks in wanted)
            if fits and each.name.lower().replace('_', '-') not in known:
                todo.append(each)
    return sorted(name for name in known.values() if name != 'poselifter')


def stated_licence(package: str) -> str:
    """The licence that an installed package states, in a line."""
    about = metadata.metadata(package)
    kinds = [line.split(' :: ')[-1] for line in about.get_all('Classifier') or () if line.startswith('License ::')]
    text = about.get('License-Expression') or ', '.join(kinds) or (about.get('License') or '').strip().split('\n')[0]
    return text[:60] or _ELSEWHERE.get(package, 'not stated')


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
    rows['demo/clip.npz'] = 'a clip of mocap.cs.cmu.edu, see demo/README.md'
    assets = Path(html.__file__).parent / 'assets'
    for path in sorted(assets.rglob('*.min.*js')) + sorted(assets.rglob('*.wasm')):
        [licence] = path.parent.glob('*.LICENSE')
        rows[f'poselifter/visualization/assets/{path.relative_to(assets)}'] = licence.name
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
    packages = {name: f'{metadata.version(name)}  {stated_licence(name)}' for name in names}
    files = shipped_files(shipped_root())
    if args.json:
        print(json.dumps({'packages': packages, 'files': files}))
        return
    for title, rows in (('packages', packages), ('files of others, and weights', files)):
        print(f'{title}:', *(f'  {name:28} {text}' for name, text in rows.items()), sep='\n')


if __name__ == '__main__':
    run_program(main)

"""The one door for results: any number of formats beside one stem."""

import importlib.util
import os
from collections.abc import Collection, Sequence
from glob import escape
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...light_registry import WRITERS, Writer
from ...structures import Result
from ...utils import load_plugins, release_memory, safe_name


def list_formats(given: Collection[str]) -> dict[str, Writer]:
    """Writers by name of format, plugins' too, of results with some of the fields ``poses``, ``scores``, ``body``."""
    WRITERS.import_from_location()
    load_plugins()
    return {name: writer for name, writer in sorted(WRITERS.module_dict.items()) if set(writer.needs) & set(given)}


def check_formats(formats: Sequence[str], given: Collection[str]) -> None:
    """Refuses formats before the work is done.

    Raises:
        InputError: a format is unknown, needs other fields than those ``given``, or a package that is not installed.
    """
    known = list_formats(given)
    unknown = [name for name in formats if name not in known]
    if unknown:
        raise InputError(f'formats {unknown} are unknown, expected some of {", ".join(known)}')
    for name in formats:
        if lack := _lack(name, known[name]):
            raise InputError(lack)


def writable_formats(formats: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the formats whose packages are installed, and lines for the user on the others."""
    lines = [(name, _lack(name, WRITERS.get(name))) for name in formats]
    return [name for name, lack in lines if not lack], [f'left out: {lack}' for _, lack in lines if lack]


def _lack(name: str, writer: Writer) -> str | None:
    """In words the package that a format needs and that is not installed."""
    module, package = writer.package or (None, None)
    if module and importlib.util.find_spec(module) is None:
        return f'{name} needs {module}, which is not installed; run: pip install {package}'
    return None


def check_targets(
    out_dir: str | os.PathLike[str] | None, stems: Sequence[str], formats: Sequence[str], inputs: Collection[Any]
) -> None:
    """Checks where :func:`write_results` will write, before the work is done; nowhere if ``out_dir`` is ``None``.

    Raises:
        InputError: a result would replace one of the ``inputs`` or another result, or cannot be written.
    """
    if out_dir is not None and len(set(stems)) < len(stems):
        raise InputError(f'several results would be called {max(stems, key=stems.count)}; write each to its own folder')
    for stem in stems if out_dir is not None else []:
        for suffix in (WRITERS.get(name).suffix for name in formats):
            check_target(Path(out_dir) / (stem + suffix), inputs, folder=not suffix.startswith('.'))


def result_files(stem: Path, formats: Sequence[str]) -> list[Path]:
    """The files, or folders of them, that :func:`write_results` writes beside a path without a suffix."""
    return [stem.with_name(stem.name + WRITERS.get(name).suffix) for name in formats]


def existing_files(paths: Sequence[Path]) -> list[list[Path]]:
    """The files that exist of each path of :func:`result_files`: it, or those of each person, ``<name>_<id>.bvh``."""
    existing = []
    for path in paths:
        others = tuple(other.stem + '_' for other in paths if other.stem.startswith(path.stem + '_'))
        persons = sorted(path.parent.glob(f'{escape(path.stem)}_*{path.suffix}'))
        persons = [p for p in persons if p not in paths and not p.name.startswith(others)]
        existing.append([path] if path.exists() else persons)
    return existing


def check_target(path: str | os.PathLike[str], inputs: Collection[Any] = (), folder: bool = False) -> None:
    """Checks that a file, or a ``folder`` of files, can be written and replaces no input; raises InputError if not."""
    path, parent = Path(path), Path(path).parent
    while not os.path.exists(parent) and parent != parent.parent:
        parent = parent.parent
    if os.path.realpath(path) in [os.path.realpath(i) for i in inputs if isinstance(i, (str, os.PathLike))]:
        raise InputError(f'the result {path} would replace an input; choose another name or folder for results')
    if os.path.isdir(path) and not folder:
        raise InputError(f'cannot write {path}: it is a folder; choose another name')
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK):
        raise InputError(f'cannot write {path}: {parent} is no folder that can be written to; choose another folder')


def write_results(stem: Path, result: Result, formats: Sequence[str]) -> list[Path]:
    """Writes a result in any number of formats beside a path without a suffix; returns the files, or folders of them.

    Raises:
        InputError: see :func:`check_formats`; or, when the others are written, a file cannot be.
    """
    check_formats(formats, result.given())
    paths, errors = [], []
    for name, path in zip(formats, result_files(stem, formats), strict=True):
        try:
            paths += WRITERS.get(name)(path, result) or [path]
        except InputError as error:  # an hour's work is not lost for one of them
            errors.append(error)
        release_memory()
    if errors:
        raise errors[0]
    return paths


def file_names(stem: str, tracks: Sequence[str]) -> list[str]:
    """A name for the files of each track; ids such as a/b and a_b do not share one."""
    if len(tracks) == 1:
        return [stem]
    names = [f'{stem}_{safe_name(track)[:80]}' for track in tracks]
    return [f'{name}_{number}' if names.count(name) > 1 else name for number, name in enumerate(names)]

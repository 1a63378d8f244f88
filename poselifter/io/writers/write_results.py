"""The one door for results: any number of formats beside one stem."""

import importlib.util
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from ...errors import InputError
from ...registry import WRITERS, Writer
from ...structures import Result
from ...utils import load_plugins


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
        module, package = known[name].package or (None, None)
        if module and importlib.util.find_spec(module) is None:
            raise InputError(f'{name} needs {module}, which is not installed; run: pip install {package}')


def check_targets(stem: Path, formats: Sequence[str], inputs: Collection[str | os.PathLike]) -> None:
    """Checks where :func:`write_results` will write, before the work is done.

    Raises:
        InputError: a result would replace one of the ``inputs``, or its folder cannot be made or written to.
    """
    for name in formats:
        suffix = WRITERS.get(name).suffix
        check_target(stem.with_name(stem.name + suffix), inputs, folder=not suffix.startswith('.'))


def check_target(path: str | os.PathLike, inputs: Collection[str | os.PathLike] = (), folder: bool = False) -> None:
    """Checks that a file, or a ``folder`` of files, can be written and replaces no input; raises InputError if not."""
    path = present = Path(path)
    while not os.path.exists(present) and present != present.parent:
        present = present.parent
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise InputError(f'the result {path} would replace an input; choose another name or folder for results')
    if os.path.isdir(path) and not folder:
        raise InputError(f'cannot write {path}: it is a folder; choose another name')
    if (present != path and not os.path.isdir(present)) or not os.access(present, os.W_OK):
        raise InputError(f'cannot write {path}: {present} is no folder that can be written to; choose another folder')


def write_results(stem: Path, result: Result, formats: Sequence[str]) -> list[Path]:
    """Writes a result in any number of formats beside a path without a suffix; returns the files, or folders of them.

    Raises:
        InputError: see :func:`check_formats`; or a file cannot be written.
    """
    check_formats(formats, result.given())
    paths = []
    for name in formats:
        writer = WRITERS.get(name)
        paths.append(stem.with_name(stem.name + writer.suffix))
        writer(paths[-1], result)
    return paths

"""The one door for results: any number of formats beside one stem."""

import importlib.util
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

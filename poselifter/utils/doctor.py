"""The installation: versions, devices, and which extras work."""

import importlib
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from ..version import __version__

_CORE = ('torch', 'numpy', 'scipy', 'mmengine', 'mmcv-lite')


def examine() -> dict[str, Any]:
    """Facts about this installation.

    Returns:
        ``poselifter``, ``python``, ``platform``; ``packages``: versions of those that all needs, ``None`` if absent;
        ``devices``: where models can run; ``extras``: for each ``works``, ``missing``, what it lacks, each with the
        reason, and ``install``, the line that adds it.
    """
    return {
        'poselifter': __version__,
        'python': platform.python_version(),
        'platform': f'{sys.platform} {platform.machine()}',
        'packages': {name: _version(name) for name in _CORE},
        'devices': _devices(),
        'extras': _extras(),
    }


def report(facts: dict[str, Any]) -> list[str]:
    """Lines for the user of :func:`examine`."""
    lines = [f'poselifter {facts["poselifter"]}, Python {facts["python"]}, {facts["platform"]}']
    lines += [f'  {name:12} {version or "MISSING"}' for name, version in facts['packages'].items()]
    lines.append(f'devices: {", ".join(facts["devices"])}')
    for name, extra in facts['extras'].items():
        lines.append(f'extra {name:10} {"works" if extra["works"] else "lacks " + ", ".join(extra["missing"])}')
        if not extra['works']:
            lines.append(f'  {extra["install"]}')
    return lines


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    try:
        import torch
    except ImportError:
        return []
    names = [f'cuda:{i} ({torch.cuda.get_device_name(i)})' for i in range(torch.cuda.device_count())]
    return ['cpu', *names, *(['mps'] if torch.backends.mps.is_available() else [])]


def _extras() -> dict[str, dict[str, Any]]:
    """Every extra that the installed package declares."""
    try:
        needs = [Requirement(line) for line in metadata.requires('poselifter') or ()]
        names = metadata.metadata('poselifter').get_all('Provides-Extra') or ()
    except metadata.PackageNotFoundError:  # run from the sources
        return {}
    modules = metadata.packages_distributions()  # reads the list of files of every package: once
    extras = {}
    for name in names:
        own = [
            need
            for need in needs
            if need.marker and need.marker.evaluate({'extra': name}) and not need.marker.evaluate({'extra': ''})
        ]
        missing = {need.name: reason for need in own if (reason := _fault(need, modules))}
        install = f'pip install {" ".join(repr(_wanted(n)) for n in own if n.name in missing)}'
        extras[name] = {
            'works': not missing,
            'missing': [f'{package} ({reason})' for package, reason in missing.items()],
            'install': install if missing else None,
        }
    return extras


def _wanted(need: Requirement) -> str:
    """A requirement as pip takes it, without the condition under which it holds."""
    extras = f'[{",".join(sorted(need.extras))}]' if need.extras else ''
    return f'{need.name}{extras}{need.specifier}'


def _fault(need: Requirement, modules: Mapping[str, list[str]]) -> str | None:
    """Why a package is not as it is needed, ``None`` if it is: absent, another version, or it cannot be imported."""
    version = _version(need.name)
    if version is None:
        return 'not installed'
    if not need.specifier.contains(version, prereleases=True):
        return f'{version} is installed, {need.specifier} needed'
    own = [name for name, packages in modules.items() if need.name in packages]
    for module in own[:1]:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a broken package raises is what is to be told
            return f'{type(error).__name__}: {error}'
    return None

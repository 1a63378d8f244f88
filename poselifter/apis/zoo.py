"""The model zoo: names of published models, their configs and weights."""

import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.fileio import load
from tqdm import tqdm

from ..errors import InputError
from ..utils import atomic_write, shipped_root

DEFAULT_MODEL = 'mixste_cmu_27'


@dataclass(frozen=True)
class ZooModel:
    """One entry of a metafile.

    Attributes:
        name: what users type.
        config: its config file.
        weights: path (relative to the zoo's root) or address of the weights;
            ``None`` where there are none.
        sha256: of the weights file.
        facts: the whole entry as the metafile states it.
    """

    name: str
    config: Path
    weights: str | None
    sha256: str | None
    facts: dict[str, Any]


def zoo_models() -> dict[str, ZooModel]:
    """All models of ``model-index.yml`` by name."""
    root = shipped_root()
    models = {}
    for metafile in load(root / 'model-index.yml')['Import']:
        for entry in load(root / metafile)['Models']:
            models[entry['Name']] = ZooModel(
                entry['Name'], root / entry['Config'], entry.get('Weights'), entry.get('SHA256'), entry
            )
    return models


def find(name: str) -> ZooModel:
    """A model of the zoo.

    Args:
        name: its name.

    Raises:
        InputError: no model has this name; the message lists near ones.
    """
    models = zoo_models()
    if name not in models:
        near = get_close_matches(name, models, n=3) or sorted(models)
        raise InputError(f'no model of the zoo is called {name!r}; there are for example {", ".join(near)}')
    return models[name]


def download(model: ZooModel) -> Path:
    """Puts the weights of a model on this machine.

    Files that ship with the project are used where they are; others are
    fetched once into ``$POSELIFTER_HOME`` (default ``~/.cache/poselifter``),
    with a progress bar, and checked against their hash.

    Args:
        model: which.

    Returns:
        The file.

    Raises:
        InputError: no weights exist, the address cannot be reached, or the
            file's hash is wrong.
    """
    if model.weights is None:
        raise InputError(f'{model.name} has no published weights; train it with tools/train.py {model.config}')
    if '://' not in model.weights:
        path = shipped_root() / model.weights
        if not path.is_file():
            raise InputError(f'{path} is missing from the installation; reinstall poselifter')
        return path
    home = Path(os.environ.get('POSELIFTER_HOME', Path.home() / '.cache' / 'poselifter'))
    path = home / model.weights.rsplit('/', 1)[-1]
    if not path.is_file():
        _fetch(model, path)
    return path


def _fetch(model: ZooModel, path: Path) -> None:
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(model.weights, timeout=30) as reply, atomic_write(path) as temporary:
            total = int(reply.headers.get('Content-Length') or 0) or None
            bar = tqdm(total=total, unit='B', unit_scale=True, desc=path.name)
            with open(temporary, 'wb') as file, bar:
                while block := reply.read(1 << 20):
                    file.write(block)
                    digest.update(block)
                    bar.update(len(block))
            if model.sha256 and digest.hexdigest() != model.sha256:
                raise InputError(
                    f'{model.weights} came with SHA-256 {digest.hexdigest()}, expected {model.sha256}; try again later'
                )
    except (urllib.error.URLError, OSError) as error:
        raise InputError(f'{model.weights} cannot be fetched ({error}); check the network and try again') from error


def resolve(name: str) -> Path:
    """A weights file, given its path or the name of a model of the zoo.

    Args:
        name: path or name.

    Raises:
        InputError: neither a file nor a name.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise InputError(
            f'the checkpoint {name} is not there; give a file or one of: {", ".join(sorted(zoo_models()))}'
        )
    return download(find(name))

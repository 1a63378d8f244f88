"""The model zoo: names of published models, their configs and weights."""

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..utils import shipped_root
from ..utils.download import fetch, has_hash

DEFAULT_MODEL = 'mixste_bodies_27'
TINY_MODEL = 'mixste_tiny_bodies_27'  # where size and time matter more
SEARCH_MODEL = 'mixste_text_motion_27'


@dataclass(frozen=True)
class ZooModel:
    """One entry of a metafile.

    Attributes:
        name: what users type.
        config: its config file.
        weights: path (relative to the zoo's root) or address of the weights; ``None`` where there are none.
        sha256: of the weights file.
        metadata: the whole entry as the metafile states it.
        variant: of the config, which the model is of; ``None`` for the config itself.
    """

    name: str
    config: Path
    weights: str | None
    sha256: str | None
    metadata: dict[str, Any]
    variant: str | None = None

    @property
    def lifts(self) -> bool:
        """Whether its weights ship and what it was published for is 3D poses."""
        tasks = {result['Task'] for result in self.metadata.get('Results', [])}
        return self.weights is not None and 'Body 3D Keypoint' in tasks


def zoo_models() -> dict[str, ZooModel]:
    """All models of ``model-index.yml`` by name; results of a variant are those of ``<name>_<variant>``."""
    root, load = shipped_root(), _load_yaml
    models = {}
    for metafile in load(root / 'model-index.yml')['Import']:
        for entry in load(root / metafile)['Models']:
            name, config = entry['Name'], root / entry['Config']
            results = entry.get('Results', [])
            plain = {**entry, 'Results': [result for result in results if 'Variant' not in result]}
            models[name] = ZooModel(
                name, config, entry.get('Weights'), entry.get('SHA256'), plain, entry.get('Variant')
            )
            for variant in dict.fromkeys(result['Variant'] for result in results if 'Variant' in result):
                chosen = {**entry, 'Results': [result for result in results if result.get('Variant') == variant]}
                models[f'{name}_{variant}'] = ZooModel(f'{name}_{variant}', config, None, None, chosen, variant)
    return models


def _load_yaml(path: Path) -> Any:
    import yaml

    return yaml.load(path.read_text(encoding='utf-8'), getattr(yaml, 'CSafeLoader', yaml.SafeLoader))


def find(name: str) -> ZooModel:
    """A model of the zoo.

    Args:
        name: its name, or the one that it had before.

    Raises:
        InputError: no model has this name; the message lists near ones.
    """
    models = zoo_models()
    name = next((model.name for model in models.values() if model.metadata.get('Formerly') == name), name)
    if name not in models:
        near = get_close_matches(name, models, n=3) or sorted(models)[:8]
        raise InputError(f'no model of the zoo is called {name!r}; there are for example {", ".join(near)}')
    return models[name]


def download(model: ZooModel) -> Path:
    """Puts the weights of a model on this machine.

    Files that ship with the project are used where they are; others are fetched once into ``$POSELIFTER_HOME`` (default
    ``~/.cache/poselifter``), with a progress bar, and checked against their hash.

    Args:
        model: which.

    Returns:
        The file.

    Raises:
        InputError: no weights exist, the address cannot be reached, or the file's hash is wrong.
    """
    if model.weights is None:
        command = f'tools/train.py {model.config}' + (f' --variant {model.variant}' if model.variant else '')
        raise InputError(f'{model.name} has no published weights; train it with {command}')
    if '://' not in model.weights:
        path = shipped_root() / model.weights
        if not path.is_file():
            raise InputError(f'{path} is missing from the installation; reinstall poselifter')
        if not has_hash(path, model.sha256):
            raise InputError(f'{path} has another SHA-256 than expected ({model.sha256}); reinstall poselifter')
        return path
    return fetch(model.weights, os.environ.get('POSELIFTER_HOME', '~/.cache/poselifter'), model.sha256)


def resolve(name: str) -> Path:
    """A weights file, given its path or the name of a model of the zoo.

    Args:
        name: path or name.

    Raises:
        InputError: neither a file nor a name.
    """
    path = Path(name)
    if os.path.isfile(path):
        return path
    if path.suffix or len(path.parts) > 1:
        raise InputError(f'{name} does not exist; give a checkpoint or one of: {", ".join(sorted(zoo_models()))}')
    return download(find(name))

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from poselifter.apis import load_official
from poselifter.checkpoints import export_official


class Case:
    """One folder of parity files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta = json.loads((folder / 'meta.json').read_text())

    def array(self, name: str) -> torch.Tensor:
        """An array as a tensor."""
        return torch.from_numpy(np.load(self.folder / f'{name}.npy'))

    def arrays(self, prefix: str) -> dict[str, torch.Tensor]:
        """The arrays whose names start so, by the rest of their names."""
        names = [name.removeprefix(prefix) for name in self.meta['arrays'] if name.startswith(prefix)]
        return {name: self.array(prefix + name) for name in names}

    def functions(self, name: str) -> dict[str, torch.Tensor]:
        """The arrays of one function."""
        with np.load(self.folder / f'{name}.npz') as file:
            return {key: torch.from_numpy(file[key]) for key in file.files}

    def official(self, **more) -> torch.nn.Module:
        """The checkpoint as :func:`~poselifter.apis.load_official` gives it, by the original's constructor."""
        given = {**self.meta.get('constructor', self.meta.get('constructor_backbone', {})), **more}
        return load_official(self.folder / 'checkpoint.pth', **given)


def official_layout(module: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors by our parameter names (weights, gradients) as the original lays them out."""
    return export_official(tensors, module.system)[0]


@pytest.fixture
def parity(shared: Path):
    """Opens a parity case by its folder, e.g. ``parity('mixste/pose_small')``."""
    return lambda name: Case(shared / 'fixtures' / 'parity' / name)

"""Reading the official networks' parity cases."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch


class _Ignored:
    """Stands for the pickled numpy objects beside the tensors; nothing of them is run or kept."""

    def __init__(self, *args) -> None:
        pass

    def __setstate__(self, state) -> None:
        pass


_NUMPY = (
    'numpy.random._pickle.__randomstate_ctor',
    'numpy.core.multiarray._reconstruct',
    'numpy.core.multiarray.scalar',
    'numpy.ndarray',
    'numpy.dtype',
)


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

    def load(self, model: torch.nn.Module, names: dict[str, str]) -> dict[str, str]:
        """Loads the official weights.

        Args:
            model: with the same parameters under our names.
            names: regular expressions of official names -> our names.

        Returns:
            Our name of every official one.
        """
        with torch.serialization.safe_globals([_Ignored, *((_Ignored, name) for name in _NUMPY)]):
            checkpoint = torch.load(self.folder / 'checkpoint.pth', weights_only=True)
        official = {key.removeprefix('module.'): value for key, value in checkpoint['model_pos'].items()}
        ours = {key: key for key in official}
        for pattern, name in names.items():
            ours = {key: re.sub(pattern, name, value) for key, value in ours.items()}
        shapes = {key: value.shape for key, value in model.state_dict().items()}
        # DSTformer's temporal positions are (1, T, 1, D) there, (1, T, D) here
        model.load_state_dict({ours[key]: value.reshape(shapes[ours[key]]) for key, value in official.items()})
        return ours


@pytest.fixture
def parity(shared: Path):
    """Opens a parity case by its folder, e.g. ``parity('mixste/pose_small')``."""
    return lambda name: Case(shared / 'fixtures' / 'parity' / name)

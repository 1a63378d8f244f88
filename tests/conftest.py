"""Fixtures that every test folder shares."""

from pathlib import Path

import numpy as np
import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY


@pytest.fixture(scope='session')
def data_dir() -> Path:
    """Small files that belong to the tests."""
    return REPOSITORY / 'tests' / 'data'


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder of parity cases and mocap data beside the checkout; tests skip where it is absent."""
    folder = REPOSITORY.parent / 'shared'
    if not folder.is_dir():
        pytest.skip('needs the parity cases in ../shared, which are not part of the repository')
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def one_thread():
    """Small tests gain nothing from threads, and results must not depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)

"""docs/user_guides/trust.md: its ways to convert a refused file work, word for word."""

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import InputError
from poselifter.io import read_keypoints
from poselifter.utils.safe_pickle import BUILDERS, load_pickle


@pytest.fixture
def blocks(repository):
    """The page's Python blocks."""
    return re.findall(r'```python\n(.*?)```', (repository / 'docs/user_guides/trust.md').read_text(), re.S)


def test_a_whole_module(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = torch.nn.Linear(2, 3)
    torch.save(module, 'model.pth')
    with pytest.raises(InputError):
        load_checkpoint_file('model.pth')
    exec(blocks[0], {})
    assert torch.equal(load_checkpoint_file('weights.pth')['state_dict']['weight'], module.weight)


def test_a_pickle_with_objects(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(0).uniform(100, 500, (5, 17, 2))
    with open('results.pkl', 'wb') as file:
        pickle.dump(SimpleNamespace(keypoints=points, track_ids=np.zeros(5, int)), file)
    with pytest.raises(InputError, match='holds an object of a program'):
        load_pickle('results.pkl')
    exec(blocks[1], {})
    np.testing.assert_allclose(read_keypoints('results.npz').keypoints, points, rtol=1e-6)


def test_the_list_is_short():
    """What can come out of a pickle: the page names the kinds, and a new one belongs there too."""
    kinds = {name.rpartition('.')[2] for name in BUILDERS}
    assert kinds <= {
        *('_reconstruct', 'scalar', '_frombuffer', 'dtype'),
        *('set', 'frozenset', 'complex', 'bytearray', 'encode', 'OrderedDict', 'defaultdict'),
    }

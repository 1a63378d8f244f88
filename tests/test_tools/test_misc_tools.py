import numpy as np
import pytest
from PIL import Image

import poselifter
from poselifter.engine import load_config
from poselifter.engine.tool import load_dataset
from poselifter.errors import InputError

SMALL = ['train_dataloader.dataset.n_sequences=4', 'train_dataloader.dataset.n_frames=60']


@pytest.fixture
def config(repository):
    return str(repository / 'configs' / 'mixste' / 'procedural_27.py')


def broken(dataset, change):
    """The data set, with a function that changes its poses."""
    samples = dataset.samples
    dataset.samples = lambda indices: [
        {**sample, 'world_keypoints': change(sample['world_keypoints'].copy())} for sample in samples(indices)
    ]
    return dataset


def with_a_long_arm(x):
    x[:, 12:14] += (x[:, 12:13] - x[:, 11:12]) * 0.5
    return x


@pytest.fixture
def dataset(config):
    poselifter.register_all_modules()
    return load_dataset(load_config(config, {'train_dataloader.dataset.n_sequences': 4}), 'train')


@pytest.mark.parametrize(('change', 'message'), [
    (lambda x: x * 1000, '3D is metres'),
    (lambda x: x[:, [*range(11), 14, 15, 16, 11, 12, 13]], 'left and right may be swapped'),
    (with_a_long_arm, 'joints swapped'),
])  # fmt: skip
def test_odd_ones_are_warned_of(tool, dataset, change, message):
    found = tool('misc/check_dataset').check(broken(dataset, change))
    assert '4 sequences, 540 frames' in found[0]
    assert any(line.startswith('warning') and message in line for line in found), found


def test_wrong_ones_are_refused(tool, config, dataset):
    check = tool('misc/check_dataset')
    with pytest.raises((InputError, ValueError), match='not finite'):
        check.check(broken(dataset, lambda x: np.where(np.arange(17)[:, None] == 5, np.nan, x)))
    with pytest.raises(InputError, match='no other_dataloader'):
        load_dataset(load_config(config), 'other')
    with pytest.raises(InputError, match='mend the config'):
        load_dataset(load_config(config, {'train_dataloader.dataset.sequences': 4}), 'train')


def test_pictures_of_what_the_network_sees(tool, config, tmp_path):
    argv = [config, '--output-dir', str(tmp_path), '--max-item', '2', '--cfg-options', *SMALL]
    tool('misc/browse_dataset').main(argv)
    pictures = sorted(tmp_path.glob('*.png'))
    assert len(pictures) == 2 and np.asarray(Image.open(pictures[0])).std() > 5
    again = {p.name: p.read_bytes() for p in pictures}
    tool('misc/browse_dataset').main(argv)
    assert {p.name: p.read_bytes() for p in tmp_path.glob('*.png')} == again
    tool('misc/browse_dataset').main([*argv[:3], '--epoch', '1', *argv[3:]])
    assert {p.name: p.read_bytes() for p in tmp_path.glob('*.png')} != again

"""Looking at a data set before training."""

import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError

SMALL = ['train_dataloader.dataset.n_sequences=4', 'train_dataloader.dataset.n_frames=60']


@pytest.fixture
def config(repository):
    return str(repository / 'configs' / 'mixste' / 'procedural_27.py')


def test_a_sound_data_set_passes(tool, config, capsys, tmp_path):
    tool('misc/check_dataset').main([config, '--out', str(tmp_path / 'sample.png'), '--cfg-options', *SMALL])
    out = capsys.readouterr().out
    assert '4 sequences, 240 frames' in out
    assert 'hips and shoulders agree on left and right in 100 %' in out
    assert 'the pipeline runs' in out and 'warning' not in out
    assert Image.open(tmp_path / 'sample.png').size[0] > 500


class Broken:
    """A data set whose samples a function changes."""

    def __init__(self, dataset, change):
        self.dataset, self.change = dataset, change

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return self.dataset[index]

    def samples(self, indices):
        found = self.dataset.samples(indices)
        return [{**s, 'world_keypoints': self.change(s['world_keypoints'].copy())} for s in found]


def in_millimetres(x):
    return x * 1000


def with_swapped_arms(x):
    return x[:, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]]


def with_a_long_arm(x):
    x[:, 12:14] += (x[:, 12:13] - x[:, 11:12]) * 0.5
    return x


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (in_millimetres, '3D is metres'),
        (with_swapped_arms, 'left and right may be swapped'),
        (with_a_long_arm, 'joints swapped'),
    ],
)
def test_odd_ones_are_warned_of(tool, config, change, message):
    check = tool('misc/check_dataset')
    dataset = check.build_dataset(config, 'train', {'train_dataloader.dataset.n_sequences': 4})
    found = check.check(Broken(dataset, change))
    assert any(line.startswith('warning') and message in line for line in found), found


def test_wrong_ones_are_refused(tool, config):
    check = tool('misc/check_dataset')
    dataset = check.build_dataset(config, 'train', {'train_dataloader.dataset.n_sequences': 4})

    def with_nan(x):
        x[3, 5] = np.nan
        return x

    with pytest.raises((InputError, ValueError), match='not finite'):
        check.check(Broken(dataset, with_nan))
    with pytest.raises(InputError, match='no other_dataloader'):
        check.build_dataset(config, 'other', {})
    with pytest.raises(InputError, match='mend the config'):
        check.build_dataset(config, 'train', {'train_dataloader.dataset.sequences': 4})


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

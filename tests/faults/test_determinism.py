"""The same seed gives the same bits: of training, testing and lifting, with any number of workers and processes."""

import json

import numpy as np
import pytest
from faults.harness import Command, Run, final_files
from faults.test_faults import two

DATA = {'train': 6, 'val': 2, 'test': 5}  # sequences, an odd number of which are tested


@pytest.fixture(scope='module')
def trained(inputs, tmp_path_factory):
    """A folder with trainings of two epochs with 0, 1 and 3 workers, and the command that tests the first."""
    folder = tmp_path_factory.mktemp('trained')
    size = [f'{part}_dataloader.dataset.n_sequences={count}' for part, count in DATA.items()]
    for workers in (0, 1, 3):
        loaders = [f'{part}_dataloader.num_workers={workers}' for part in DATA]
        options = ('--cfg-options', *size, *loaders, 'train_cfg.max_epochs=2', 'train_dataloader.batch_size=4')
        run = Run(Command('train.py', (inputs / 'tiny.py', '--work-dir', 'run', *options)), folder / str(workers))
        assert run.end() == 0, run.errors
    checkpoint = folder / '0/run/epoch_2.pth'
    options = (inputs / 'tiny.py', checkpoint, '--out', 'metrics.json', '--work-dir', 'tested', '--cfg-options', *size)
    return folder, Command('test.py', options)


def test_training(trained):
    zero, one, three = (final_files(trained[0] / workers / 'run') for workers in '013')
    assert {'epoch_1.pth', 'epoch_2.pth'} <= zero.keys() and zero == one == three


def test_testing(trained, tmp_path, free_port):
    """By two processes to the last digit of the metrics; which process has which clip does not matter."""
    texts = []
    for workers in (0, 1, 3):
        more = (f'test_dataloader.num_workers={workers}', f'test_dataloader.batch_size={workers + 1}')
        run = Run(trained[1]._replace(arguments=(*trained[1].arguments, *more)), tmp_path / str(workers))
        assert run.end() == 0, run.errors
        texts.append((run.folder / 'metrics.json').read_text())
    for run in two(trained[1], tmp_path / 'two', free_port):
        assert run.end() == 0, run.errors
    texts.append((tmp_path / 'two/metrics.json').read_text())
    assert json.loads(texts[0])['MPJPE'] > 0
    assert texts == [texts[0]] * 4


def test_lifting(commands, tmp_path):
    """Twice the same files; windows in a pass may change the last bit, and no more."""
    files = []
    for number, more in enumerate(((), (), ('--batch-size', '3'))):
        run = Run(commands['lift']._replace(arguments=(*commands['lift'].arguments, *more)), tmp_path / str(number))
        assert run.end() == 0, run.errors
        files.append(final_files(run.folder))
    assert files[0] == files[1]
    poses = [np.load(tmp_path / f'{k}/out/clip.npz')['keypoints_3d'] for k in range(3)]
    np.testing.assert_allclose(poses[2], poses[0], atol=1e-6)  # metres

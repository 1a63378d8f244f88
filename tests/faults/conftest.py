"""Commands to kill, on tiny inputs."""

import contextlib
import importlib
import random
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from faults.harness import CONTEXT, RUNS, Command
from mmengine.config import Config
from toy_datasets.cmu import write_database

TINY = """_base_ = '{root}/configs/mixste/procedural_27.py'
model = dict(backbone=dict(depth=1, embed_dims=16), heads=dict(pose=dict(in_channels=16)))
"""


@pytest.fixture(scope='session')
def toy(repository):
    sys.path.insert(0, str(repository / 'tests/test_engine'))
    return importlib.import_module('toy_project')


@pytest.fixture(scope='session')
def inputs(tmp_path_factory, repository) -> Path:
    """The folder with a database, a clip of two persons, its poses, and a tiny model with its weights."""
    import torch

    from poselifter.apis import init_model
    from poselifter.checkpoints import save_checkpoint_file
    from poselifter.cli import main

    first = CONTEXT.Process(target=len, args=('',))  # the first waits for all imports
    first.start()
    folder = tmp_path_factory.mktemp('inputs')
    write_database(folder / 'database')
    clip = np.load(repository / 'demo/clip.npz')
    points = np.concatenate([clip['keypoints'][:40], clip['keypoints'][:40] + [50, 0]]).astype('f4')
    ids, frames = np.repeat([1, 2], 40), np.tile(np.arange(40), 2)
    rest = {'img_shape': clip['img_shape'], 'fps': 30.0, 'skeleton': clip['skeleton']}
    np.savez(folder / 'clip.npz', keypoints=points, track_ids=ids, frame_indices=frames, **rest)
    torch.manual_seed(0)
    (folder / 'tiny.py').write_text(TINY.format(root=repository))
    save_checkpoint_file({'state_dict': init_model(folder / 'tiny.py').state_dict()}, folder / 'tiny.pth')
    main(['lift', str(folder / 'clip.npz'), '-o', str(folder / 'poses'), '--formats', 'npz'])
    first.join()
    return folder


@pytest.fixture(scope='session')
def commands(inputs, toy, data_dir) -> dict[str, Command]:
    """By name."""
    training = toy.config('run', train_cfg={'by_epoch': True, 'max_epochs': 4, 'val_interval': 1})
    training['custom_hooks'] = [{'type': 'EMAHook', 'momentum': 0.1}]
    training['default_hooks']['checkpoint']['max_keep_ckpts'] = 2
    Config(training).dump(inputs / 'toy.py')
    clip, poses, film = inputs / 'clip.npz', inputs / 'poses/clip.npz', data_dir / 'two_persons.mp4'
    model = ('--model', inputs / 'tiny.py', '--checkpoint', inputs / 'tiny.pth')
    short = ('--detector', 'blazepose-lite', '--end', '0.5')
    return {
        'train': Command('train.py', (inputs / 'toy.py',), ('--resume',)),
        'database': Command('dataset_converters/cmu_mocap.py', (inputs / 'database', 'out', '--workers', 2)),
        'convert': Command('poselifter', ('convert', poses, 'out/a.bvh')),
        'lift': Command('poselifter', ('lift', clip, '--formats', 'npz,html,bvh,trc,csv,glb', *model), ('--force',)),
        'film': Command('poselifter', ('lift', film, '--formats', 'npz,html', *short, *model)),
        'fit-body': Command('poselifter', ('fit-body', poses, '--iterations', '4')),
        'export': Command('poselifter', ('export', inputs / 'tiny.py', inputs / 'tiny.pth', '-o', 'out/a.onnx')),
    }


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as server, contextlib.suppress(OSError):
            server.bind(('127.0.0.1', port))
            return port


@pytest.fixture(autouse=True)
def ended():
    """Nothing that a test started outlives it."""
    yield
    while RUNS:
        RUNS.pop().kill(signal.SIGKILL)

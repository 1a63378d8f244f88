"""A folder with a small input of every kind; each command gets names in it, and odd words in their place."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import TRIED
from toy_smpl import toy_smpl

from poselifter.apis import init_model
from poselifter.engine import load_config

CONFIG = """_base_ = '{root}/configs/{base}.py'
train_dataloader = dict(num_workers=0, batch_size=2, dataset=dict(n_sequences=2))
val_dataloader = dict(num_workers=0, dataset=dict(n_sequences=2))
test_dataloader = dict(num_workers=0, dataset=dict(n_sequences=2))
train_cfg = dict(max_epochs=1, val_interval=1)
model = dict(backbone=dict(depth=1, embed_dims=16), heads=dict(pose=dict(in_channels=16)))
"""


@pytest.fixture(autouse=True)
def totals(record_property):
    """Counts the inputs that a test tries."""
    before = TRIED.copy()
    yield
    record_property('tried', dict(TRIED - before))


@pytest.fixture(scope='session')
def inputs(repository, tmp_path_factory, toy_root) -> dict[str, Path]:
    """Paths by kind."""
    folder = tmp_path_factory.mktemp('inputs')
    paths = {
        'config': folder / 'quick.py',
        'checkpoint': folder / 'quick.pth',
        'keypoints': folder / 'clip.npz',
        'library': folder / 'library',
        'body': folder / 'body.npz',
        'poses': folder / 'poses.npy',
        'log': folder / 'scalars.json',
        'junk': folder / 'junk.bin',
        'empty': folder / 'empty',
        'data': toy_root,
    }
    paths['config'].write_text(CONFIG.format(root=repository, base='mixste/procedural_27'))
    config = load_config(paths['config'])
    content = {'state_dict': init_model(config).state_dict(), 'meta': {'epoch': 1, 'cfg': 'a = 1'}}
    torch.save(content, paths['checkpoint'])
    points = np.random.default_rng(0).uniform(100, 500, (6, 17, 2)).astype('f4')
    np.savez(paths['keypoints'], keypoints=points, img_shape=[600, 800], fps=30.0)
    paths['library'].mkdir()
    np.savez(paths['library'] / 'a.npz', keypoints=points, img_shape=[600, 800], fps=30.0)
    np.savez(paths['body'], **toy_smpl())
    np.save(paths['poses'], np.random.default_rng(1).normal(0, 0.3, (6, 17, 3)))
    paths['log'].write_text('\n'.join(json.dumps({'loss': 1 / n, 'step': n, 'epoch': 1}) for n in (1, 2, 3)))
    paths['junk'].write_bytes(bytes(range(256)))
    paths['empty'].mkdir()
    return paths

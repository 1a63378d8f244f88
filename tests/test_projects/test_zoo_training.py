"""The recipe of the default model: growing keeps the function, the script runs, training sees some frames."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config

from poselifter.apis import init_model
from poselifter.apis.prediction import inference_lifter, predict_table
from poselifter.engine.config import change_config, load_config
from poselifter.registry import MODELS
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable, MotionDataSample

CONFIG = 'configs/mixste/bodies_27.py'


@pytest.fixture(scope='module')
def config(repository):
    return load_config(repository / CONFIG)


def test_grown_networks_predict_the_same(repository, config, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / 'projects' / 'zoo'))
    from grow import grow

    small = init_model('mixste_cmu_27')
    wide = init_model(change_config(config, None, 'wide'))
    wide.load_state_dict(grow(small.state_dict()))
    clips = torch.rand(2, 27, 17, 3)
    with torch.no_grad():
        torch.testing.assert_close(wide.pose(clips), small.pose(clips), atol=2e-5, rtol=0)
    first = wide.backbone.spatial_blocks[0].mlp
    twins = next(p for p in first.parameters() if p.ndim == 2)
    assert (twins[:, ::2] - twins[:, 1::2]).abs().mean() > 0  # what reads them differs, so they will


def test_training_sees_every_third_frame_with_its_place(config):
    """The loss is that of the plain estimator on these frames alone, with the positions of these frames."""
    model, plain = (MODELS.build({**config.model, **change}) for change in ({}, {'frame_step': 1}))
    torch.nn.init.normal_(model.backbone.frame_embedding.weight)
    plain.load_state_dict(model.state_dict())
    clips, target = torch.rand(2, 27, 17, 3), torch.rand(2, 27, 17, 3)
    torch.manual_seed(1)
    loss = model(clips, MotionDataSample(target=target), mode='loss')['loss_weighted_mpjpe']
    shown = model.shown
    assert shown.step == 3 and model.backbone.frame_embedding.places == slice(None)
    kept = plain.codec.normalize_window(clips)[:, shown]
    plain.backbone.frame_embedding.weight.data = plain.backbone.frame_embedding.weight[:, shown].clone()
    expected = plain.heads['pose'].loss(plain.backbone(kept), MotionDataSample(target=target[:, shown]))
    torch.testing.assert_close(loss, expected['loss_weighted_mpjpe'])
    model.eval()
    assert model.pose(clips).shape == (2, 27, 17, 3)


def test_results_are_cmu17(config):
    model = init_model(Config(dict(config)))
    keypoints = np.random.default_rng(0).uniform(100, 900, (30, 17, 2)).astype(np.float32)
    table = KeypointTable.of_person(keypoints, None, skeleton='h36m17', img_shape=(1000, 1000), fps=30)
    result = predict_table(model, table, ['pose'])
    assert (model.codec.skeleton_3d.name, result.skeleton_3d) == ('body17', 'cmu17')
    lifted = inference_lifter(model, keypoints, None, (1000, 1000), 30, 'h36m17')
    np.testing.assert_array_equal(result.poses, lifted)


@pytest.mark.slow
def test_the_script_for_gpus_runs_and_goes_on(repository, shared, tmp_path):
    """On a CPU, with the excerpts for data: packed, trained for an epoch, and for another one by the same command."""
    for name in ('configs', 'poselifter', 'tools', 'zoo', 'model-index.yml', 'projects'):
        os.symlink(repository / name, tmp_path / name)
    (tmp_path / 'projects').unlink()
    shutil.copytree(repository / 'projects' / 'zoo', tmp_path / 'projects' / 'zoo')
    data = tmp_path / 'data' / 'cmu'
    data.mkdir(parents=True)
    for part in ('train', 'val', 'test'):
        shutil.copy(shared / 'data/cmu/tiny.npz', data / f'cmu_{part}.npz')
        shutil.copy(shared / 'data/cmu/full_tiny.npz', data / f'full_{part}.npz')
    shutil.copy(shared / 'data/cmu/index.json', data)
    small = 'train_dataloader.batch_size=8 train_dataloader.num_workers=0 train_dataloader.persistent_workers=False '
    small += 'train_dataloader.dataset.window.stride=540 val_cfg=None val_dataloader=None val_evaluator=None'
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ['PATH']])
    env = {**os.environ, 'POSELIFTER_DATA': str(tmp_path / 'data'), 'PYTHONPATH': str(repository), 'PATH': path}
    script = str(tmp_path / 'projects/zoo/train_on_gpu.sh')
    subprocess.run([script, 'pack'], check=True, env=env)
    assert (tmp_path / 'out/zoo_pack/cmu/full_train.npz').is_file()
    for epochs in (1, 2):
        options = [*small.split(), f'train_cfg.max_epochs={epochs}']
        subprocess.run([script, 'train', '--cfg-options', *options], check=True, env=env, timeout=200)
        assert (tmp_path / f'work_dirs/bodies_27_gpu/epoch_{epochs}.pth').is_file()
    assert subprocess.run([script], env=env, capture_output=True).returncode == 2


def test_tables_of_the_docs(repository, load_module):
    """Commands of the tables exist, and what they print becomes the part of a page."""
    refresh = load_module(repository / 'projects/zoo/refresh.py')
    assert len(refresh.pages()) >= 3
    for page in refresh.pages():
        text = page.read_text()
        blocks = list(refresh.BLOCK.finditer(text))
        assert text.count('<!-- made by: python ') == text.count('<!-- end -->') == len(blocks)
        for words in (block['command'].split() for block in blocks):
            assert (repository / words[1]).is_file()
    made = refresh.block('python x.py', '\nTitle\n| a |\n|---|\n| 1 |\n\n**B** (2)\n\n| b |\n|---|\n')
    assert made == '<!-- made by: python x.py -->\n\n| a |\n|---|\n| 1 |\n\n**B** (2)\n\n| b |\n|---|\n\n<!-- end -->\n'
    assert '```\n$ python x.py\nplain\n```' in refresh.block('python x.py', 'plain\n')


def test_further_joints_start_as_those_that_carry_them(load_module, tmp_path):
    """An ear as the nose, a heel and a toe as the ankle; the network of 23 joints takes the weights."""
    start = init_model('mixste_bodies_27').state_dict()
    torch.save({'state_dict': start}, tmp_path / 'few.pth')
    load_module('projects/zoo/more_joints.py').main([str(tmp_path / 'few.pth'), str(tmp_path / 'many.pth')])
    state, joints = torch.load(tmp_path / 'many.pth')['state_dict'], 'backbone.joint_embedding.weight'
    init_model('mixste_surface_27').load_state_dict(state)
    places = get_skeleton('body23').joint_names.index
    for further, carrier in (('left_ear', 'nose'), ('left_heel', 'left_ankle'), ('right_big_toe', 'right_ankle')):
        torch.testing.assert_close(state[joints][:, places(further)], start[joints][:, places(carrier)])

"""Spoilt files in every reader and loader end in a result or in one sentence, in bounded time and memory."""

import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import ends_well, fuzz, reads_well, spoil
from hypothesis import given
from hypothesis import strategies as st
from toy_smpl import toy_smpl

from poselifter import cli
from poselifter.apis import init_model, load_official
from poselifter.checkpoints import save_checkpoint_file
from poselifter.datasets import read_smpl_estimates
from poselifter.engine import load_config
from poselifter.models.body_models import load_body_model
from poselifter.registry import DATASETS

T, RNG = 6, np.random.default_rng(0)
POINTS = RNG.uniform(100, 500, (1, 17, 2)) + np.arange(T)[:, None, None] * [5, 0]
TRIPLETS = np.concatenate([POINTS, np.ones((T, 17, 1))], -1).round(2)
VIDEO = {'layout_name': 'coco', 'video_metadata': {'a.mp4': {'w': 800, 'h': 600}}}
KEYPOINT_FILES = {
    'exchange.npz': {
        'keypoints': POINTS.astype('f4'),
        'keypoints_visible': np.ones((T, 17), 'f4'),
        'frame_indices': np.arange(T),
        'track_ids': np.zeros(T, int),
        'img_shape': np.array([600, 800]),
        'fps': np.array(30.0),
        'skeleton': np.array('coco17'),
    },
    'array.npy': TRIPLETS,
    'videopose3d.npz': {
        'positions_2d': np.array({'a.mp4': {'custom': [POINTS.astype('f4')]}}, object),
        'metadata': np.array(VIDEO, object),
    },
    'coco.json': [
        {'image_id': t, 'category_id': 1, 'keypoints': TRIPLETS[t].ravel().tolist(), 'score': 0.9, 'track_id': 1}
        for t in range(T)
    ],
    'mmpose.json': {
        'meta_info': {},
        'instance_info': [
            {'frame_id': t, 'instances': [{'keypoints': POINTS[t].tolist(), 'keypoint_scores': [0.9] * 17}]}
            for t in range(T)
        ],
    },
    'alphapose.json': [
        {'image_id': f'{t}.jpg', 'category_id': 1, 'keypoints': TRIPLETS[t].ravel().tolist(), 'score': 0.9, 'idx': 1}
        for t in range(T)
    ],
}
CAMERA = {
    'name': 'a',
    'size': [800.0, 600.0],
    'matrix': [[900.0, 0.0, 400.0], [0.0, 900.0, 300.0], [0.0, 0.0, 1.0]],
    'distortions': [-0.12, 0.03, 0.001, -0.002],
    'rotation': [1.2, -0.4, 0.3],
    'translation': [0.3, 0.9, 2.9],
}
CAMERA_FILES = {
    'camera.json': json.dumps({'cameras': [{**CAMERA, 'fisheye': False}]}),
    'camera.toml': '\n'.join(['[a]', *(f'{key} = {json.dumps(value)}' for key, value in CAMERA.items())]),
    'camera.yml': '%YAML:1.0\n---\nimage_width: 800\nimage_height: 600\ncamera_matrix: !!opencv-matrix\n   rows: 3\n'
    f'   cols: 3\n   dt: d\n   data: {np.ravel(CAMERA["matrix"]).tolist()}\ndist: {CAMERA["distortions"]}\n'
    f'rvec: {CAMERA["rotation"]}\ntvec: {CAMERA["translation"]}\n',
}
if sys.version_info < (3, 11):
    del CAMERA_FILES['camera.toml']  # which Python reads from 3.11 on
TINY = {'model.backbone.depth': 1, 'model.backbone.embed_dims': 16, 'model.heads.pose.in_channels': 16}
SETS = {
    'h36m/data_3d_h36m.npz': dict(
        type='Human36mDataset', ann_file='data_3d_h36m.npz', keypoint_file='data_2d_h36m_gt.npz'
    ),
    'h36m/data_2d_h36m_gt.npz': dict(
        type='Human36mDataset', ann_file='data_3d_h36m.npz', keypoint_file='data_2d_h36m_gt.npz'
    ),
    'cmu/cmu_test.npz': dict(type='CMUMocapDataset', ann_file='cmu_test.npz'),
    'h36m/annotation_body3d/fps50/h36m_test.npz': dict(type='Human36mMMPoseDataset', ann_file='h36m_test.npz'),
    'motion3d/h36m_sh_conf_cam_source_final.pkl': dict(type='Human36mMotionBERTDataset', split='test'),
    'mesh/mesh_det_h36m.pkl': dict(type='MeshDataset', ann_file='mesh_det_h36m.pkl', source='h36m'),
    'mpi_inf_3dhp/data_test_3dhp.npz': dict(type='MPIINF3DHPDataset', ann_file='data_test_3dhp.npz'),
    'ntu/ntu60_hrnet.pkl': dict(type='NTUActionDataset', ann_file='ntu60_hrnet.pkl'),
    'instavariety/motion_all.npy': dict(type='InstaVarietyDataset'),
    'amass/CMU/index.json': dict(type='AMASSDataset', data_root='amass'),
}


def write(path, content):
    """A file by its suffix, whole."""
    if path.suffix == '.npz':
        np.savez(path, **content)
    elif path.suffix == '.npy':
        np.save(path, content)
    elif path.suffix == '.json':
        path.write_text(json.dumps(content))
    elif path.suffix == '.pkl':
        path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize('name', KEYPOINT_FILES)
def test_files_of_keypoints(name, tmp_path):
    whole = write(tmp_path / name, KEYPOINT_FILES[name])
    run = lambda path: ends_well(cli.main, 'lift', path, '-o', tmp_path / 'out', '--formats', 'npz')  # noqa: E731
    assert run(whole) == 0

    @fuzz(8)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        spoil(whole, tmp_path / f'spoilt{whole.suffix}', rng)
        run(tmp_path / f'spoilt{whole.suffix}')

    spoilt()


@pytest.mark.parametrize('name', CAMERA_FILES)
def test_files_of_cameras(name, tmp_path):
    clip = write(tmp_path / 'clip.npz', KEYPOINT_FILES['exchange.npz'])
    (tmp_path / name).write_text(CAMERA_FILES[name])
    target = tmp_path / f'spoilt{Path(name).suffix}'
    command = ('lift', clip, '-o', tmp_path / 'out', '--formats', 'npz', '--force', '--world', '--camera')
    assert ends_well(cli.main, *command, tmp_path / name) == 0

    @fuzz(12)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        spoil(tmp_path / name, target, rng)
        ends_well(cli.main, *command, target)

    spoilt()


@pytest.mark.parametrize('name', SETS)
def test_files_of_data_sets(name, toy_root, tmp_path):
    folder = name.split('/')[0]
    shutil.copytree(toy_root / folder, tmp_path / folder)
    whole, path = toy_root / name, tmp_path / name
    root = tmp_path / folder if folder == 'amass' else path.parent

    def read(path):
        return DATASETS.build({**SETS[name], 'data_root': str(root), 'test_mode': True})[0]

    read(path)

    @fuzz(6)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        spoil(whole, path, rng)
        reads_well(read, path)

    spoilt()


def test_configs(repository, tmp_path):
    """Damaged configs and their options; a config is a program, so that only its letters are changed."""
    paths = sorted((repository / 'configs').glob('*/*.py'))

    @fuzz(30)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        path = rng.choice(paths)
        folder = tmp_path / path.parent.name
        folder.mkdir(exist_ok=True)
        text = path.read_text().replace("'../", f"'{repository}/configs/")
        place = rng.randrange(len(text))
        end = rng.choice([')', 'a = (', 'model = 1', "_base_ = ['nope.py']", '\0', '\ufeff'])
        cut = text[:place] + text[place + rng.randint(1, 9) :]
        (folder / path.name).write_text(rng.choice([text[:place], cut, text.replace('=', '', 1), text + end]))
        reads_well(load_config, folder / path.name)

    spoilt()


def _checkpoint(repository, folder):
    """A tiny config; its weights in both kinds of files."""
    config = load_config(repository / 'configs/mixste/procedural_27.py', TINY)
    model = init_model(config)
    content = {'state_dict': model.state_dict(), 'meta': {'epoch': 1, 'codec': dict(config.codec), 'cfg': 'a = 1'}}
    torch.save(content, folder / 'whole.pth')
    save_checkpoint_file(content, folder / 'whole.safetensors')
    return config


@pytest.mark.parametrize('ending', ['.pth', '.safetensors'])
@pytest.mark.parametrize('loader', ['init_model', 'load_official', 'publish_model'])
def test_checkpoints(loader, ending, repository, load_module, tmp_path):
    config = _checkpoint(repository, tmp_path)
    publish = load_module('tools/misc/publish_model.py').main
    loaders = {
        'init_model': lambda path: reads_well(lambda path: init_model(config, path), path),
        'load_official': lambda path: reads_well(load_official, path),
        'publish_model': lambda path: ends_well(publish, path, tmp_path / 'published.pth'),
    }

    @fuzz(6)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        spoil(tmp_path / f'whole{ending}', tmp_path / f'spoilt{ending}', rng)
        loaders[loader](tmp_path / f'spoilt{ending}')

    spoilt()


def _bodies(path: Path) -> dict[str, Path]:
    n = 4
    estimates = {'pose': RNG.normal(size=(n, 72)), 'betas': np.zeros((n, 10)), 'frame_ids': np.arange(n)}
    return {
        'body': write(path / 'body.npz', toy_smpl()),
        'spin': write(path / 'spin.npz', {'pose': estimates['pose'], 'betas': estimates['betas']}),
        'vibe': write(path / 'vibe.pkl', {1: estimates}),
    }


@pytest.mark.parametrize('kind', ['body', 'spin', 'vibe'])
def test_bodies(kind, tmp_path):
    whole = _bodies(tmp_path)[kind]
    read = load_body_model if kind == 'body' else read_smpl_estimates
    read(whole)

    @fuzz(6)
    @given(st.randoms(use_true_random=False))
    def spoilt(rng):
        path = tmp_path / f'spoilt{whole.suffix}'
        spoil(whole, path, rng)
        reads_well(read, path)

    spoilt()

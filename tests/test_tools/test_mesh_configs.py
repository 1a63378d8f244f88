"""The config of meshes on made-up bodies in motion: it trains, and tests what it trained."""

import json

import numpy as np
import pytest
import torch
from toy_datasets.mesh import make_part, write_pickle
from toy_smpl import toy_smpl

from poselifter.engine import load_config
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import load_body_model
from poselifter.models.heads import MeshHead
from poselifter.registry import MODELS
from poselifter.structures import MotionDataSample

pytest.importorskip('smplx', reason='body models need smplx')
LENGTH = 8


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Videos of bodies that move in two ways at once, seen from the front, in the files and places of the config."""
    monkeypatch.setenv('POSELIFTER_DATA', str(tmp_path))
    (folder := tmp_path / 'mesh').mkdir()
    np.savez(folder / 'SMPL_NEUTRAL.npz', **toy_smpl())
    identity = np.tile([1.0, 0, 0, 1, 0, 0], 24)
    np.savez(folder / 'smpl_mean_params.npz', pose=identity, shape=np.zeros(10), cam=np.zeros(3))
    body = load_body_model(folder)
    ways = np.random.default_rng(0).normal(0, 0.2, (2, 72))

    def part(videos, frames, seed):
        part, rng = make_part([(f's_{seed}_{k}', frames) for k in range(videos)], seed), np.random.default_rng(seed)
        phase = rng.uniform(0, 6.28, (videos, 1, 2)) + np.arange(frames)[:, None] * rng.uniform(
            0.1, 0.3, (videos, 1, 2)
        )
        pose = np.sin(phase).reshape(-1, 2) @ ways
        shape = np.repeat(rng.normal(0, 1, (videos, 1)), frames, 0) * np.eye(10)[0]
        with torch.no_grad():
            rotations = axis_angle_to_matrix(torch.from_numpy(pose).float().unflatten(-1, (24, 3)))
            vertices = body(rotations, torch.from_numpy(shape).float())[0]
        joints = body.keypoints(vertices).numpy()
        part.update(smpl_pose=pose, smpl_shape=shape, confidence=np.ones((len(pose), 17)))
        part['joint_2d'] = joints[..., :2] * 400 + 500
        return part, (vertices - body.keypoints(vertices)[:, :1]).numpy()

    parts = [part(24, 32, 1), part(3, 20, 2), part(40, 1, 3)]
    write_pickle(folder / 'mesh_det_h36m.pkl', parts[0][0], parts[1][0])
    write_pickle(folder / 'mesh_det_coco.pkl', parts[2][0], parts[2][0])
    return tmp_path, parts[0][1], parts[1][1]


def options():
    made = [
        f'model.backbone.{k}={v}'
        for k, v in {'embed_dims': 32, 'rep_dims': 32, 'depth': 1, 'num_frames': LENGTH}.items()
    ]
    made += [
        'model.heads.mesh.hidden_dims=128',
        'model.heads.mesh.dropout=0.0',
        f'model.test_cfg.window.length={LENGTH}',
    ]
    made += [f'train_dataloader.dataset.datasets.0.window.{k}={LENGTH}' for k in ('length', 'stride')]
    made += ['train_dataloader.batch_sampler.batch_size=[16,40]', 'optim_wrapper.optimizer.lr=0.0015']
    # mirrored motions would be as many again to learn
    made += [f'train_dataloader.dataset.datasets.{k}.pipeline.1.prob=0' for k in (0, 1)]
    made += ['model.test_cfg.flip_test=False', 'param_scheduler.0.gamma=0.93']
    for loader in ('train', 'val', 'test'):
        made += [f'{loader}_dataloader.num_workers=0', f'{loader}_dataloader.persistent_workers=False']
    return made


@pytest.mark.slow
def test_learns_bodies_in_motion(tool, repository, files):
    folder, seen, unseen = files
    baseline = np.linalg.norm(unseen - seen.mean(0), axis=-1).mean() * 1000  # the mean body, whatever the 2D
    epochs, out = 12, folder / 'metrics.json'
    path = str(repository / 'configs/motionbert/mesh_h36m_scratch.py')
    given = ['--cfg-options', *options(), f'train_cfg.max_epochs={epochs}', f'train_cfg.val_interval={epochs}']
    tool('train').main([path, '--work-dir', str(folder), *given])
    checkpoint = folder / f'epoch_{epochs}.pth'
    tool('test').main([path, str(checkpoint), '--work-dir', str(folder), '--out', str(out), *given])
    metrics = json.loads(out.read_text())
    assert set(metrics) >= {'MPVE', 'MPJPE', 'PA-MPJPE'}
    assert metrics['MPVE'] < baseline  # a few steps; how far it gets is no matter of a test
    assert not [key for key in torch.load(checkpoint, weights_only=True)['state_dict'] if 'body_model' in key]


def test_prediction_is_of_every_frame_and_of_the_mirrored_too(repository, files):
    config = load_config(repository / 'configs/motionbert/mesh_h36m.py').model
    config.backbone.update(embed_dims=16, rep_dims=16, depth=1, num_frames=LENGTH)
    config.heads.mesh.update(hidden_dims=32)
    config.test_cfg.window.length = LENGTH
    model = MODELS.build(config).eval()
    clip, sample = torch.rand(19, 17, 3), MotionDataSample()
    sample.set_data({'smpl_pose': torch.rand(19, 72), 'smpl_shape': torch.rand(19, 10)})
    with torch.no_grad():
        [found] = model.predict([clip], [sample])
        model.flip_test = False
        [plain] = model.predict([clip[:LENGTH]], [MotionDataSample()])
        body = model(clip[None, :LENGTH])['mesh']
    assert found.pred_vertices.shape == found.vertices.shape == (19, 192, 3)
    assert found.pred_keypoints_3d.shape == found.lifting_target.shape == (19, 17, 3)
    torch.testing.assert_close(plain.pred_vertices, (body['verts'] - body['kp_3d'][..., :1, :])[0] / 1000)
    assert 'vertices' not in plain
    expected = model.heads['mesh'].from_theta(torch.cat([sample.smpl_pose, sample.smpl_shape], -1))
    torch.testing.assert_close(found.vertices, (expected['verts'] - expected['kp_3d'][:, :1]) / 1000)


def test_mean_of_a_body_and_its_own_mirror_is_symmetric():
    arrays = toy_smpl()
    arrays['shapedirs'], arrays['posedirs'] = arrays['shapedirs'] * 0, arrays['posedirs'] * 0
    arrays['weights'] = np.repeat(np.eye(24), 8, axis=0)
    head = MeshHead(4, body_model=arrays)
    body = head.from_theta(torch.randn(1, 2, 82, generator=torch.Generator().manual_seed(0)))
    keypoints = head.mean_with_mirrored(body, body)['kp_3d'] * torch.tensor([-1, 1, 1])
    left, right = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]
    mirrored = keypoints.clone()
    mirrored[..., left + right, :] = keypoints[..., right + left, :]
    torch.testing.assert_close(mirrored, keypoints * torch.tensor([-1, 1, 1]), rtol=0, atol=1e-3)

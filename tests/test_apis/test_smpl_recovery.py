"""Bodies of one's own keypoints by a network: from another method's, an untrained head gives what it got."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from toy_human import human_motion
from toy_smpl import toy_smpl

from poselifter.apis import init_model, recover_smpl
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.io.amass import read_amass
from poselifter.models.body_models import AnnyBody

pytest.importorskip('smplx', reason='body models need smplx')
SMALL = {f'model.backbone.{k}': v for k, v in {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_frames': 8}.items()}
SMALL |= {'model.test_cfg.window.length': 8, 'model.heads.mesh.hidden_dims': 8}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The generated body and SPIN's mean in the places of the config, and a result file of SPIN."""
    monkeypatch.setenv('POSELIFTER_DATA', str(tmp_path))
    (tmp_path / 'mesh').mkdir()
    np.savez(tmp_path / 'mesh/SMPL_NEUTRAL.npz', **toy_smpl())
    poses, betas = human_motion(12)
    np.savez(tmp_path / 'spin.npz', pose=poses, betas=np.tile(betas, (12, 1)), camera=np.zeros((12, 3)))
    rng = np.random.default_rng(0)
    table = {'keypoints': rng.uniform(100, 900, (10, 17, 2)), 'keypoints_visible': np.ones((10, 17))}
    table |= {'frame_indices': np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 11]), 'track_ids': np.zeros(10, int)}
    np.savez(tmp_path / 'clip.npz', **table, img_shape=(1000, 1000), fps=25.0, skeleton='h36m17')
    return tmp_path


def turned(one, other):
    pair = (Rotation.from_rotvec(np.asarray(x, np.float64).reshape(-1, 3)) for x in (one, other))
    return (next(pair).inv() * next(pair)).magnitude().reshape(-1, 24)


def test_refines_a_result_file(folder, repository):
    """25 frames a second, through a model of 50 and back; frame 9 lies between its neighbours."""
    model = init_model(repository / 'configs/motionbert/mesh_refine_h36m.py', cfg_options=SMALL)
    [result] = recover_smpl(model, folder / 'clip.npz', folder / 'spin.npz', folder / 'out', ['npz', 'html'])
    poses, betas = human_motion(12)
    motion = result['motion']
    assert result['frame_indices'].tolist() == list(range(1, 12)) and result['fps'] == 25
    assert turned(motion.poses, poses[1:]).max() < 2e-3  # mirrored and turned back in float32
    np.testing.assert_allclose(motion.betas, betas, atol=1e-5)
    written = read_amass(folder / 'out/clip.npz')
    assert turned(written.poses, motion.poses)[:, 1:].max() < 1e-5  # the pelvis is in world axes there
    assert written.fps == 25 and '"mesh"' in (folder / 'out/clip.html').read_text()
    torch.nn.init.normal_(model.heads['mesh'].head_pose.weight, std=0.5)
    [other] = recover_smpl(model, folder / 'clip.npz', folder / 'spin.npz')
    assert turned(other['motion'].poses, poses[1:]).max() > 0.05 and other['files'] == []


def test_without_estimates(folder, repository):
    identity = np.tile([1.0, 0, 0, 1, 0, 0], 24)
    np.savez(folder / 'mesh/smpl_mean_params.npz', pose=identity, shape=np.zeros(10), cam=np.zeros(3))
    model = init_model(repository / 'configs/motionbert/mesh_h36m.py', cfg_options=SMALL)
    for value in model.heads['mesh'].head_pose.parameters():
        torch.nn.init.zeros_(value)
    [result] = recover_smpl(model, folder / 'clip.npz')
    assert turned(result['motion'].poses, np.zeros((11, 72))).max() < 1e-3  # the mean body
    refiner = init_model(repository / 'configs/motionbert/mesh_refine_h36m.py', cfg_options=SMALL)
    with pytest.raises(InputError, match='recover_smpl'):
        next(recover_smpl(refiner, folder / 'clip.npz'))
    lifter = init_model(repository / 'configs/motionbert/h36m_243.py', cfg_options={'model.backbone.depth': 1})
    with pytest.raises(InputError, match='no head for bodies'):
        next(recover_smpl(lifter, folder / 'clip.npz'))
    two = dict(np.load(folder / 'clip.npz')) | {'track_ids': np.arange(10) % 2}
    np.savez(folder / 'two.npz', **two)
    with pytest.raises(InputError, match=r'has 2 people, and .*spin.npz gives bodies of one'):
        next(recover_smpl(refiner, folder / 'two.npz', folder / 'spin.npz'))


def test_the_free_body(folder, repository):
    """An untrained head whose pose is still: the body at rest, upright in front of the camera."""
    config = repository / 'configs/motionbert/mesh_anny_cmu.py'
    model = init_model(config, variant='scratch', cfg_options=SMALL | {'model.backbone.num_frames': 27})
    for value in (*model.heads['mesh'].head_pose.parameters(), *model.heads['mesh'].head_shape.parameters()):
        torch.nn.init.zeros_(value)
    [result] = recover_smpl(model, folder / 'clip.npz', out_dir=folder / 'out', formats=['npz', 'glb', 'html'])
    assert result['motion'].poses.shape == (11, 3 * 104) and len(result['files']) == 3
    motion, body = result['motion'], AnnyBody()
    turns = axis_angle_to_matrix(torch.from_numpy(motion.poses).unflatten(1, (104, 3)))
    points, heads = body(turns[:1], torch.from_numpy(motion.betas))
    points, place = points[0].numpy(), dict(zip(body.bone_names, heads[0].numpy(), strict=True))
    assert 1.5 < np.ptp(points[:, 1]) < 1.9 and place['head'][1] < place['root'][1] < place['foot.L'][1]  # y down
    assert place['foot.L'][0] > place['foot.R'][0] + 0.05 and abs(place['head'][0]) < 0.02  # it looks at the camera
    with pytest.raises(InputError, match='reads no bodies of another method'):
        next(recover_smpl(model, folder / 'clip.npz', folder / 'spin.npz'))

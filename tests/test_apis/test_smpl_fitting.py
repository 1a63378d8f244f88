"""From lifted joints to files of a moving body, each read back by other means."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from toy_human import human_motion
from toy_smpl import toy_smpl

from poselifter.apis import fit_smpl
from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.io.amass import read_amass
from poselifter.models.body_models import SMPL

Y_UP = np.array([1, -1, -1])


@pytest.fixture
def arrays():
    """A body without pose blend shapes, which neither GLB nor the page has, and with four bones a vertex at most."""
    arrays = toy_smpl()
    arrays['posedirs'] *= 0
    arrays['weights'] = np.repeat(np.eye(24), 8, axis=0)
    return arrays


@pytest.fixture
def folder(arrays, tmp_path):
    np.savez(tmp_path / 'SMPL_NEUTRAL.npz', **arrays)
    return tmp_path


@pytest.fixture
def clip(arrays, folder):
    """Five frames that walk away from the camera, as any npz with one array."""
    poses, betas = human_motion(5)
    joints = SMPL(arrays).keypoints(vertices_of(arrays, poses, betas)).numpy()
    path = folder / 'clip.npz'
    np.savez(path, whatever=joints + np.linspace(2, 3, 5)[:, None, None] * [0.3, 0.1, 1], fps=25)
    return path


def vertices_of(arrays, poses, betas):
    rotations = axis_angle_to_matrix(torch.as_tensor(poses, dtype=torch.float32).unflatten(-1, (24, 3)))
    with torch.no_grad():
        return SMPL(arrays)(rotations, torch.as_tensor(betas, dtype=torch.float32))[0]


def moved(arrays, motion):
    """The fitted vertices in the camera's axes."""
    return vertices_of(arrays, motion.poses, motion.betas).numpy() + motion.trans[:, None]


def test_parameters_are_amass(arrays, clip, folder):
    [result] = fit_smpl(clip, folder, out_dir=folder / 'out', formats=['npz'], iterations=20)
    sequence = read_amass(folder / 'out' / 'clip.npz')
    assert (sequence.model, sequence.gender, sequence.fps) == ('smpl', 'neutral', 25)
    world = vertices_of(arrays, sequence.poses, sequence.betas).numpy() + sequence.trans[:, None]
    camera = moved(arrays, result['motion'])
    np.testing.assert_allclose(world, np.stack([camera[..., 0], camera[..., 2], -camera[..., 1]], -1), atol=1e-4)


def test_glb_moves_as_the_body(arrays, clip, folder):
    gltf = pytest.importorskip('pygltflib', reason='GLB needs pygltflib')
    [result] = fit_smpl(clip, folder, out_dir=folder / 'out', formats=['glb'], iterations=20)
    document = gltf.GLTF2().load(str(folder / 'out' / 'clip.glb'))

    def read(number):
        accessor = document.accessors[number]
        view = document.bufferViews[accessor.bufferView]
        kind = {5126: 'f4', 5125: 'u4', 5121: 'u1'}[accessor.componentType]
        data = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
        return np.frombuffer(data, kind).reshape(accessor.count, -1)

    animation, attributes = document.animations[0], document.meshes[0].primitives[0].attributes
    local = {(c.target.node, c.target.path): read(animation.samplers[c.sampler].output) for c in animation.channels}
    world = np.tile(np.eye(4), (24, 5, 1, 1))
    inverse = read(document.skins[0].inverseBindMatrices).reshape(24, 4, 4).swapaxes(1, 2)
    for k, node in enumerate(document.nodes[:24]):
        world[k, :, :3, :3] = Rotation.from_quat(local.get((k, 'rotation'), [0, 0, 0, 1])).as_matrix()
        world[k, :, :3, 3] = local.get((k, 'translation'), node.translation)
        assert all(child > k for child in node.children)
        parent = next((p for p, other in enumerate(document.nodes[:24]) if k in other.children), None)
        world[k] = world[k] if parent is None else world[parent] @ world[k]
    bones = world @ inverse[:, None]
    rest = np.concatenate([read(attributes.POSITION), np.ones((192, 1))], 1)
    owners, shares = read(attributes.JOINTS_0), read(attributes.WEIGHTS_0)
    found = np.einsum('vn,vntab,vb->tva', shares, bones[owners], rest)[..., :3]
    np.testing.assert_allclose(found, moved(arrays, result['motion']) * Y_UP, atol=1e-4)
    assert read(animation.samplers[0].input).ravel() == pytest.approx(np.arange(5) / 25)
    assert np.array_equal(read(document.meshes[0].primitives[0].indices).reshape(-1, 3), arrays['f'])


def test_page_moves_as_the_body(arrays, clip, folder):
    [result] = fit_smpl(clip, folder, out_dir=folder / 'out', formats=['html'], iterations=20)
    text = (folder / 'out' / 'clip.html').read_text()
    track = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1])['tracks'][0]

    def unpack(packed):
        return np.frombuffer(base64.b64decode(packed['data']), '<i2').reshape(packed['shape']) * packed['unit']

    mesh = {key: unpack(value) for key, value in track['mesh'].items()}
    rest = np.concatenate([mesh['vertices'], np.ones((192, 1))], 1)
    bones = mesh['bones'][:, mesh['owners'].astype(int)]
    found = np.einsum('vn,tvnab,vb->tva', mesh['weights'], bones, rest) + unpack(track['root_3d'])[:, None]
    np.testing.assert_allclose(found, moved(arrays, result['motion']), atol=1e-3)


def test_a_mesh_for_each_frame(arrays, clip, folder):
    trimesh = pytest.importorskip('trimesh', reason='OBJ and PLY need trimesh')
    [result] = fit_smpl(clip, folder, out_dir=folder / 'out', formats=['obj', 'ply'], iterations=5)
    for kind in ('obj', 'ply'):
        files = sorted((folder / 'out' / f'clip_{kind}').iterdir())
        assert [f.name for f in files] == [f'{t:05d}.{kind}' for t in range(5)]
        mesh = trimesh.load(files[3], process=False, maintain_order=True)
        np.testing.assert_allclose(mesh.vertices, moved(arrays, result['motion'])[3] * Y_UP, atol=1e-5)
        assert np.array_equal(mesh.faces, arrays['f'])


def test_lifted_clips_of_several_persons(clip, folder, repository, capsys):
    joints = np.load(clip)['whatever']
    joints = np.concatenate([joints - joints[:, :1], joints[:3] - joints[:3, :1]]).astype(np.float32)
    lifted = {
        'keypoints': joints[..., :2] * 500 + 800, 'keypoints_visible': np.ones((8, 17)), 'skeleton': 'h36m17',
        'frame_indices': np.array([0, 1, 2, 3, 6, 4, 5, 6]), 'fps': 30.0,
        'track_ids': np.array(['1'] * 5 + ['x/../2'] * 3), 'keypoints_3d': joints, 'skeleton_3d': 'cmu17',
    }  # fmt: skip
    np.savez(folder / 'two.npz', **lifted)
    options = f'--body-model {folder} -o {folder}/out --formats npz --iterations 5'
    main(['fit-smpl', f'{folder}/two.npz', *options.split()])
    assert 'track 1: 7 frames' in capsys.readouterr().out  # frames 4 and 5 are filled in
    assert read_amass(folder / 'out' / 'two_x_.._2.npz').poses.shape == (3, 72)
    np.savez(folder / 'alike.npz', **{**lifted, 'track_ids': np.array(['a/b'] * 5 + ['a_b'] * 3)})
    results = list(fit_smpl(folder / 'alike.npz', folder, out_dir=folder / 'alike', formats=['npz'], iterations=1))
    assert len({file for result in results for file in result['files']}) == 2  # each person has a file


def test_missing_joints_are_left_out(clip, folder):
    joints = np.load(clip)['whatever']
    [whole] = fit_smpl(joints, folder, iterations=30)
    joints[:, 16] = np.nan
    joints[2, 5] = np.nan
    [part] = fit_smpl(joints, folder, iterations=30)
    assert np.isfinite(part['motion'].poses).all() and part['files'] == []
    assert abs(part['motion'].error - whole['motion'].error) < 0.01


def test_refusals(clip, folder, fails):
    nowhere = '--body-model', folder / 'none'
    assert 'register at https://smpl.is.tue.mpg.de' in fails(main, 'fit-smpl', clip, *nowhere)
    np.savez(folder / 'mm.npz', poses=np.load(clip)['whatever'] * 1000)
    assert 'divide millimetres by 1000' in fails(main, 'fit-smpl', folder / 'mm.npz', *nowhere)
    np.savez(folder / 'flat.npz', poses=np.zeros((4, 17, 2)))
    assert 'expected a single one of numbers (T, J, 3)' in fails(main, 'fit-smpl', folder / 'flat.npz', *nowhere)
    with pytest.raises(InputError, match='fbx'):
        next(fit_smpl(clip, folder, formats=['fbx']))
    with pytest.raises(InputError, match='noise is 0'):
        next(fit_smpl(clip, folder, noise=0))
    with pytest.raises(InputError, match=r"gender is 'x'"):
        next(fit_smpl(clip, folder, gender='x'))

"""From lifted joints to files of Anny in motion, each read back by other means."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from poselifter.apis import fit_body_to_poses
from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.io import write_results
from poselifter.io.readers.bvh import read_bvh
from poselifter.models.body_models import AnnyBody
from poselifter.structures import KeypointTable, Result

Y_UP = np.array([1, -1, -1])
WORLD = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.0], [0, 0, 0, 1]])  # camera 1 m over the ground


@pytest.fixture(scope='module')
def body():
    return AnnyBody()


@pytest.fixture(scope='module')
def joints(body):
    """Six frames (6, 17, 3) of someone who stands four metres away and lifts an arm."""
    angles = torch.zeros(6, 104, 3)
    angles[:, 0, 0] = np.pi
    angles[:, body.bone_names.index('upperarm01.L'), 2] = torch.linspace(0, 1, 6)
    with torch.no_grad():
        vertices = body(axis_angle_to_matrix(angles), body.default_shape())[0]
        vertices += torch.tensor([0, 1, 4]) - vertices[:1].amax(1, keepdim=True) * torch.tensor([0, 1, 0])
        return body.keypoints(vertices).numpy()


@pytest.fixture(scope='module')
def fitted(joints):
    [person] = fit_body_to_poses(joints, iterations=30, fps=25)
    return person


def test_the_body_is_where_the_joints_are(body, joints, fitted):
    moving = fitted['result'].body
    found = body.keypoints(torch.from_numpy(moving.vertices())).numpy()
    assert np.linalg.norm(found - joints, axis=-1).mean() < 0.02
    whole = np.append(moving.rest_vertices, np.ones((13718, 1)), 1)
    skinned = np.einsum('vk,tkab,vb->tva', moving.weights, moving.bones(), whole, optimize=True)
    assert np.abs(skinned - moving.vertices()).max() < 1e-5


def test_npz_says_all_that_makes_the_body(body, fitted, tmp_path):
    [path] = write_results(tmp_path / 'a', fitted['result'], ['npz'])
    with np.load(path) as z:
        turns, shape, trans = axis_angle_to_matrix(torch.from_numpy(z['poses'])), z['shape'], z['trans']
        assert tuple(z['bone_names']) == body.bone_names and tuple(z['shape_names']) == body.shape_names
        assert str(z['body_model']) == 'anny' and z['fps'] == 25
    with torch.no_grad():
        vertices = body(turns, torch.from_numpy(shape))[0].numpy() + trans[:, None]
    assert np.abs(vertices - fitted['result'].body.vertices()).max() < 1e-4


def test_glb_moves_the_surface_as_the_body_does(fitted, tmp_path):
    gltf, moving = pytest.importorskip('pygltflib', reason='needs pygltflib'), fitted['result'].body
    [path] = write_results(tmp_path / 'a', fitted['result'], ['glb'])
    file = gltf.GLTF2().load(str(path))

    def array(number):
        accessor = file.accessors[number]
        start = file.bufferViews[accessor.bufferView].byteOffset
        kind = {5126: np.float32, 5125: np.uint32, 5121: np.uint8}[accessor.componentType]
        width = {'SCALAR': 1, 'VEC3': 3, 'VEC4': 4, 'MAT4': 16}[accessor.type]
        return np.frombuffer(file.binary_blob(), kind, accessor.count * width, start).reshape(-1, width)

    local = np.tile(np.eye(4), (len(file.nodes), 1, 1))
    for number, node in enumerate(file.nodes):
        local[number, :3, 3] = node.translation or 0
    for channel in file.animations[0].channels:
        value = array(file.animations[0].samplers[channel.sampler].output)[5]
        if channel.target.path == 'translation':
            local[channel.target.node, :3, 3] = value
        else:
            local[channel.target.node, :3, :3] = Rotation.from_quat(value).as_matrix()
    [skin], [mesh] = file.skins, file.meshes
    above = {child: number for number, node in enumerate(file.nodes) for child in node.children or ()}
    world = {}
    for joint in skin.joints:
        world[joint] = world.get(above.get(joint), np.eye(4)) @ local[joint]
    binds = array(skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    moves = np.stack([world[joint] @ bind for joint, bind in zip(skin.joints, binds, strict=True)])
    points = mesh.primitives[0].attributes
    vertices = np.append(array(points.POSITION), np.ones((13718, 1)), 1)
    found = np.einsum('vk,vkab,vb->va', array(points.WEIGHTS_0), moves[array(points.JOINTS_0)], vertices)[:, :3]
    off = np.linalg.norm(found - moving.vertices()[5] * Y_UP, axis=-1)  # four bones of up to nine
    assert off.mean() < 2e-4 and np.quantile(off, 0.99) < 3e-3


def test_khronos_finds_no_fault_in_the_glb(fitted, tmp_path):
    pytest.importorskip('pygltflib', reason='needs pygltflib')
    program = "require('gltf-validator').validateBytes(new Uint8Array(require('fs').readFileSync(process.argv[1])))"
    program += '.then(report => console.log(JSON.stringify(report.issues)))'
    asked = ['node', '-e', "require('gltf-validator')"]
    if not shutil.which('node') or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip('needs node and `npm install gltf-validator`, its folder node_modules in NODE_PATH')
    [path] = write_results(tmp_path / 'a', fitted['result'], ['glb'])
    issues = json.loads(subprocess.check_output(['node', '-e', program, str(path)]))
    assert issues['numErrors'] == issues['numWarnings'] == 0


def test_bvh_has_the_bones_of_the_body(body, fitted, tmp_path):
    [path] = write_results(tmp_path / 'a', fitted['result'], ['bvh'])
    moving = fitted['result'].body
    with torch.no_grad():
        rest = body.rest(torch.from_numpy(moving.betas))
        heads = body.bones(torch.from_numpy(moving.rotations()).float(), rest)[1].numpy() + moving.trans[:, None]
    read = read_bvh(path)
    numbers = [read.index(name) for name in ('root', 'wrist.L', 'foot.R', 'head')]
    expected = heads[:, [body.bone_names.index(name) for name in ('root', 'wrist.L', 'foot.R', 'head')]] * Y_UP
    found = read.positions[:, numbers] / 100  # the file is in centimetres
    assert np.abs(found - found[:1, :1] - expected + expected[:1, :1]).max() < 1e-3


def test_feet_that_stand_are_on_the_ground(body, joints, tmp_path):
    table = KeypointTable.of_person(np.zeros((6, 0, 2)), fps=25)
    place = {'world_from_camera': WORLD, 'contacts': np.ones((6, 4))}
    lower = joints + [0, 0.06, 0]  # in the ground
    result = Result(table, lower - lower[:, :1], 'h36m17', lower[:, 0].astype(np.float32), **place)
    [path] = write_results(tmp_path / 'a', result, ['npz'])
    lowest = []
    for poses in (lower, path):
        [person] = fit_body_to_poses(poses, iterations=60, fps=25)
        lowest.append(1 - person['result'].body.vertices()[..., 1].max(1))
    assert np.abs(lowest[0] + 0.06).max() < 0.03 and np.abs(lowest[1]).max() < 0.03
    assert np.array_equal(person['result'].world_from_camera, WORLD)


def test_commands_and_their_errors(joints, tmp_path, capsys, fails):
    np.savez(tmp_path / 'walk.npz', poses=joints, fps=25)
    main(['fit-body', f'{tmp_path}/walk.npz', '-o', f'{tmp_path}/out', '--formats', 'npz,html', '--iterations', '2'])
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['walk_body.html', 'walk_body.npz']
    assert 'track 0: 6 frames, joints ' in capsys.readouterr().out
    nowhere = ['-o', tmp_path]
    assert 'gender is' in fails(main, 'fit-body', tmp_path / 'walk.npz', '--gender', 'x', *nowhere)
    assert 'expected 0 to 120 years' in fails(main, 'fit-body', tmp_path / 'walk.npz', '--age', '-3', *nowhere)
    assert '0.4 to 2.6 metres' in fails(main, 'fit-body', tmp_path / 'walk.npz', '--height', '180', *nowhere)
    assert 'is for --body smpl' in fails(main, 'fit-body', tmp_path / 'walk.npz', '--body-model', tmp_path, *nowhere)
    assert 'which needs it' in fails(main, 'fit-body', tmp_path / 'walk.npz', '--body', 'smpl', *nowhere)
    for wrong in ({'noise': 0}, {'iterations': 0}, {'formats': ['fbx']}, {'device': 'x'}):
        with pytest.raises(InputError):
            next(fit_body_to_poses(joints, **wrong))


def test_lifting_leaves_a_body_too(repository, tmp_path, capsys):
    with np.load(repository / 'demo/clip.npz') as clip:
        rows = {key: clip[key][:8] for key in ('keypoints', 'keypoints_visible')}
        np.savez(tmp_path / 'a.npz', **rows, **{key: clip[key] for key in ('img_shape', 'fps', 'skeleton')})
    main(['lift', f'{tmp_path}/a.npz', '-o', f'{tmp_path}/out', '--formats', 'npz', '--body', '--json'])
    [entry] = json.loads(capsys.readouterr().out)['results']
    names = [path.rpartition('/')[2] for path in entry['files']]
    assert names == ['a.npz', 'a_body.html', 'a_body.glb'] and all((tmp_path / 'out' / name).exists() for name in names)


def test_a_body_is_added_to_what_was_lifted_before(repository, tmp_path, capsys):
    """Whichever formats come with it; one that exists stays, and one that lacks a file is made again."""
    with np.load(repository / 'demo/clip.npz') as clip:
        rows = {key: clip[key][:8] for key in ('keypoints', 'keypoints_visible')}
        np.savez(tmp_path / 'a.npz', **rows, **{key: clip[key] for key in ('img_shape', 'fps', 'skeleton')})
    out = tmp_path / 'out'

    def new(*options):
        before = {path: path.stat().st_mtime_ns for path in out.glob('*')}
        main(['lift', f'{tmp_path}/a.npz', '-o', str(out), *options])
        return {path.name for path in out.glob('*') if path.stat().st_mtime_ns != before.get(path)}

    assert new('--formats', 'npz') == {'a.npz'}
    assert new('--formats', 'npz', '--body') == {'a_body.html', 'a_body.glb'}
    assert not new('--formats', 'npz', '--body') and 'its bodies are there already' in capsys.readouterr().out
    (out / 'a_body.glb').unlink()
    assert new('--formats', 'json', '--body') == {'a.json', 'a_body.html', 'a_body.glb'}
    assert new('--formats', 'npz', '--body', '--force') == {'a.npz', 'a_body.html', 'a_body.glb'}

import pickle
import sys
import types

import numpy as np
import pytest
import scipy.sparse
import torch
from toy_smpl import toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import SMPL, load_body_model
from poselifter.skeletons import get_skeleton

smplx = pytest.importorskip('smplx', reason='body models need smplx')
PARENTS = get_skeleton('smpl24').parents


@pytest.fixture
def arrays():
    return toy_smpl()


@pytest.fixture
def body(arrays):
    return SMPL(arrays).double()


def parameters(*batch, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    pose = torch.randn(*batch, 24, 3, generator=generator, dtype=dtype) * 0.6
    return axis_angle_to_matrix(pose), torch.randn(*batch, 10, generator=generator, dtype=dtype)


def by_formula(arrays, rotations, betas):
    """Loper et al. 2015, equations 2 to 10, for one body, float64, vertex by vertex."""
    shaped = arrays['v_template'] + arrays['shapedirs'][..., :10] @ betas
    joints = arrays['J_regressor'] @ shaped
    world, offsets = [], []
    for k, parent in enumerate(PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[k]
        local[:3, 3] = joints[k] - (joints[parent] if k else 0)
        world.append(world[parent] @ local if k else local)
        offsets.append(world[k][:3, 3] - world[k][:3, :3] @ joints[k])
    posed = shaped + arrays['posedirs'] @ (rotations[1:] - np.eye(3)).reshape(207)
    vertices = np.zeros_like(posed)
    for v, point in enumerate(posed):
        for k, share in enumerate(arrays['weights'][v]):
            vertices[v] += share * (world[k][:3, :3] @ point + offsets[k])
    return vertices, np.stack([m[:3, 3] for m in world])


def test_equals_the_formula(arrays):
    rotations, betas = parameters(2, 2)
    vertices, joints = SMPL(arrays)(rotations, betas)
    assert vertices.dtype == torch.float32
    for i in np.ndindex(2, 2):
        expected = by_formula(arrays, rotations[i].numpy(), betas[i].numpy())
        for output, value in zip((vertices[i], joints[i]), expected, strict=True):
            torch.testing.assert_close(output.double(), torch.from_numpy(value), rtol=0, atol=2e-6)


def test_equals_smplx(arrays):
    names = ['nose', 'reye', 'leye', 'rear', 'lear', 'LBigToe', 'LSmallToe', 'LHeel', 'RBigToe', 'RSmallToe', 'RHeel']
    names += [side + tip for side in 'lr' for tip in ('thumb', 'index', 'middle', 'ring', 'pinky')]
    data = smplx.utils.Struct(**{k: v for k, v in arrays.items() if k != 'J_regressor_h36m'})
    theirs = smplx.SMPL('', data_struct=data, vertex_ids=dict.fromkeys(names, 0), batch_size=3)
    ours = load_body_model(theirs, arrays['J_regressor_h36m'])
    rotations, betas = parameters(3, dtype=torch.float32)
    output = theirs(betas=betas, body_pose=rotations[:, 1:], global_orient=rotations[:, :1], pose2rot=False)
    vertices, joints = ours(rotations, betas)
    torch.testing.assert_close(vertices, output.vertices, rtol=0, atol=1e-6)
    torch.testing.assert_close(joints, output.joints[:, :24], rtol=0, atol=1e-6)
    assert torch.equal(ours.faces, theirs.faces_tensor)
    with pytest.raises(InputError, match='no J_regressor_h36m; put J_regressor_h36m_correct'):
        load_body_model(theirs)
    with pytest.raises(InputError, match=r'is a Linear; expected smplx\.SMPL'):
        load_body_model(torch.nn.Linear(1, 1))


def test_the_body_is_in_no_checkpoint(body):
    assert not body.state_dict()
    assert not list(body.parameters())
    assert load_body_model(body) is body


def test_more_components_sparse_arrays_and_parents(arrays):
    more = toy_smpl(num_betas=300)
    assert SMPL(more).shapes.shape == (10, 192, 3)
    other = {**arrays, 'J_regressor': scipy.sparse.csc_matrix(arrays['J_regressor']), 'parents': PARENTS}
    del other['kintree_table'], other['f']
    assert torch.equal(SMPL(other)(*parameters())[0], SMPL(arrays)(*parameters())[0])
    assert SMPL(other).faces is None


def test_wrong_arrays_are_named(arrays):
    with pytest.raises(InputError, match='no posedirs; give the arrays'):
        SMPL({k: v for k, v in arrays.items() if k != 'posedirs'})
    with pytest.raises(InputError, match=r'weights of the body model has shape \(192, 52\), expected \(192, 24\)'):
        SMPL({**arrays, 'weights': np.zeros((192, 52))})
    with pytest.raises(InputError, match='expected those of SMPL with 24 joints'):
        SMPL({**arrays, 'kintree_table': arrays['kintree_table'][:, ::-1]})
    with pytest.raises(InputError, match='v_template of the body model is no array of numbers'):
        SMPL({**arrays, 'v_template': 'body'})


@pytest.mark.parametrize('inside', [True, False])
def test_reads_npz_and_folders(arrays, tmp_path, inside):
    regressor = arrays['J_regressor_h36m'] if inside else arrays.pop('J_regressor_h36m')
    np.savez(tmp_path / 'SMPL_NEUTRAL.npz', **arrays)
    if not inside:
        np.save(tmp_path / 'J_regressor_h36m_correct.npy', regressor)
        np.save(tmp_path / 'J_regressor_h36m.npy', regressor * 2)  # the other one goes first
    expected = SMPL({**arrays, 'J_regressor_h36m': regressor})
    for source in (tmp_path, str(tmp_path / 'SMPL_NEUTRAL.npz')):
        body = load_body_model(source)
        for name, buffer in expected.named_buffers():
            assert torch.equal(getattr(body, name), buffer), name
    np.save(tmp_path / 'mine.npy', regressor * 3)
    assert torch.equal(load_body_model(tmp_path, tmp_path / 'mine.npy').regressor_h36m, expected.regressor_h36m * 3)


@pytest.mark.parametrize(('kind', 'joints'), [('smplh', 52), ('smplx', 55)])
def test_hands_and_faces_at_rest_move_with_wrists_and_head(arrays, tmp_path, kind, joints):
    from smplx.lbs import lbs

    rng, first = np.random.default_rng(3), joints - 30
    chains = [p for start, wrist in ((first, 20), (first + 15, 21)) for p in np.arange(15) + start - 1]
    for k in range(0, 30, 3):  # five fingers of three joints a hand
        chains[k] = 20 if k < 15 else 21
    parents = np.array([*PARENTS[:22], *[15] * (first - 22), *chains])
    weights = rng.random((192, joints)) ** 8
    more = {
        **{key: arrays[key] for key in ('v_template', 'shapedirs', 'f')},
        'posedirs': rng.normal(0, 0.002, (192, 3, 9 * (joints - 1))),
        'J_regressor': rng.dirichlet(np.full(192, 0.05), joints),
        'weights': weights / weights.sum(1, keepdims=True),
        'kintree_table': np.stack([parents, np.arange(joints)]).astype(np.uint32),
    }
    folder = tmp_path / kind
    folder.mkdir()
    np.savez(folder / f'{kind.upper()}_MALE.npz', **more)
    np.save(folder / 'J_regressor_h36m_correct.npy', arrays['J_regressor_h36m'])
    body = load_body_model(folder, gender='male').double()
    assert (body.kind, body.gender) == (kind, 'male')
    rotations, betas = parameters(3)
    rotations[:, 22:] = torch.eye(3)
    whole = torch.eye(3, dtype=torch.float64).repeat(3, joints, 1, 1)
    whole[:, :22] = rotations[:, :22]
    model = [
        torch.from_numpy(np.asarray(more[key], float)) for key in ('v_template', 'shapedirs', 'posedirs', 'J_regressor')
    ]
    model[2] = model[2].flatten(0, 1).T
    expected, places = lbs(
        betas, whole, *model, torch.from_numpy(parents), torch.from_numpy(more['weights']), pose2rot=False
    )
    vertices, found = body(rotations, betas)
    torch.testing.assert_close(vertices, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(found[:, :22], places[:, :22], rtol=0, atol=1e-6)
    with pytest.raises(InputError, match=r'SMPL_FEMALE\.pkl; .*download the female model'):
        load_body_model(folder, gender='female')


def test_finds_the_gender_as_downloaded(arrays, tmp_path):
    for name, size in (('basicmodel_f_lbs_10_207_0_v1.1.0', 1), ('basicModel_neutral_lbs_10_207_0_v1.0.0', 2)):
        np.savez(tmp_path / f'{name}.npz', **{**arrays, 'v_template': arrays['v_template'] * size})
    female, neutral = (load_body_model(tmp_path, gender=g).template for g in ('female', 'neutral'))
    torch.testing.assert_close(female * 2, neutral)


def test_joints_of_coco(arrays, tmp_path):
    np.savez(tmp_path / 'SMPL_NEUTRAL.npz', **arrays)
    plain = load_body_model(tmp_path)
    with pytest.raises(InputError, match=r'put J_regressor_coco\.npy beside it'):
        plain.keypoints(plain.template, 'coco17')
    coco = np.random.default_rng(0).random((17, 192))
    np.save(tmp_path / 'J_regressor_coco.npy', coco)
    joints = load_body_model(tmp_path).keypoints(plain.template, 'coco17')
    np.testing.assert_allclose(joints, coco @ arrays['v_template'], atol=1e-4)


def test_the_regressor_of_spin_gets_its_legs_swapped(arrays, tmp_path):
    regressor = arrays.pop('J_regressor_h36m')
    np.savez(tmp_path / 'body.npz', **arrays)
    np.save(tmp_path / 'J_regressor_h36m.npy', regressor[[0, 4, 5, 6, 1, 2, 3, *range(7, 17)]])
    with pytest.warns(UserWarning, match='left leg first'):
        body = load_body_model(tmp_path / 'body.npz')
    np.testing.assert_allclose(body.regressor_h36m, regressor)


@pytest.fixture
def official_pickle(arrays, tmp_path, monkeypatch):
    """The arrays in a pickle like the official one: protocol 2, chumpy objects, a sparse regressor."""
    chumpy = types.ModuleType('chumpy.ch')
    chumpy.Ch = type('Ch', (), {'__module__': 'chumpy.ch'})
    monkeypatch.setitem(sys.modules, 'chumpy', types.ModuleType('chumpy'))
    monkeypatch.setitem(sys.modules, 'chumpy.ch', chumpy)

    def wrap(**state):
        value = chumpy.Ch()
        value.__dict__.update(state)
        return value

    content = {**arrays, 'J_regressor': scipy.sparse.csc_matrix(arrays['J_regressor']), 'bs_type': 'lrotmin'}
    content['v_template'] = wrap(x=arrays['v_template'], _dirty_vars=set())
    whole = toy_smpl(num_betas=12)['shapedirs']
    whole[..., :10] = arrays['shapedirs']
    first = np.arange(whole.size).reshape(whole.shape)[..., :10]
    content['shapedirs'] = wrap(a=wrap(x=whole), idxs=first.ravel(), preferred_shape=first.shape)  # whole[..., :10]
    content['J'] = wrap(a=wrap(), idxs=np.arange(3))  # has no array of its own, and nobody reads it
    np.save(tmp_path / 'J_regressor_h36m.npy', content.pop('J_regressor_h36m'))
    data = pickle.dumps(content, protocol=2).replace(b'cscipy.sparse._csc\n', b'cscipy.sparse.csc\n')
    path = tmp_path / 'basicModel_neutral_lbs_10_207_0_v1.0.0.pkl'
    path.write_bytes(data.replace(b'cnumpy._core.multiarray\n', b'cnumpy.core.multiarray\n'))
    monkeypatch.undo()
    return path


def test_reads_the_official_pickle_without_chumpy(arrays, official_pickle):
    assert 'chumpy' not in sys.modules
    expected = SMPL(arrays)
    for source in (official_pickle, official_pickle.parent):
        body = load_body_model(source)
        for name, buffer in expected.named_buffers():
            assert torch.equal(getattr(body, name), buffer), name


def test_damaged_and_missing_files_are_named(arrays, official_pickle, tmp_path):
    official_pickle.write_bytes(official_pickle.read_bytes()[:5000])
    with pytest.raises(InputError, match=r'v1\.0\.0\.pkl is no whole pickle'):
        load_body_model(official_pickle)
    (tmp_path / 'body.npz').write_bytes(b'PK')
    with pytest.raises(InputError, match=r'body\.npz is no whole npz'):
        load_body_model(tmp_path / 'body.npz')
    np.savez(tmp_path / 'objects.npz', **{**arrays, 'v_template': np.array([{}], dtype=object)})
    with pytest.raises(InputError, match=r'v_template of the body model is no array'):
        load_body_model(tmp_path / 'objects.npz')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match=r'SMPL_NEUTRAL\.pkl; .* register at https://smpl\.is\.tue\.mpg\.de'):
        load_body_model(tmp_path / 'empty')
    with pytest.raises(InputError, match=r'no\.npy does not exist'):
        load_body_model(arrays, tmp_path / 'no.npy')

"""Inferencers and commands: nothing is lost, nothing is silently wrong, and what a user can cause is one sentence."""

import numpy as np
import pytest
from toy_smpl import toy_smpl

from poselifter.apis import ActionInferencer, MotionSearch, Pose3DInferencer, fit_smpl, inference_lifter, init_model
from poselifter.cli import main
from poselifter.errors import InputError
from poselifter.structures import KeypointTable


@pytest.fixture(scope='module')
def lifter():
    return Pose3DInferencer()


@pytest.fixture
def clip(walk, tmp_path):
    """A file of ten frames of an archer, whose id is a word."""
    path = tmp_path / 'clip.npz'
    frames = {'track_ids': np.array(['archer'] * 10), 'frame_indices': np.arange(10)}
    np.savez(path, keypoints=walk(10), fps=30, img_shape=(1000, 1000), skeleton='h36m17', mine=np.ones(3), **frames)
    return path


@pytest.mark.parametrize(('change', 'same'), [
    ({'img_shape': (1000, 1000, 3)}, True),
    ({'img_shape': np.array([1000, 1000])}, True),
    ({'fps': '30'}, True),
    *[({'img_shape': size}, False) for size in ((0, 0), (-9, 9), '9x9', 720, (9, 9), (10**18, 10**18))],
    *[({'fps': fps}, False) for fps in (0, -5, np.nan, np.inf, 1e-6, 1e9, 'x', [30, 30])],
    ({'keypoints': lambda points: points / 1000}, False),
    ({'keypoints': lambda points: [points[0].tolist(), points[1, :16].tolist()]}, False),
    ({'keypoints': lambda points: points.astype(str)}, False),
    ({'keypoints_visible': np.zeros((10, 17))}, False),
    ({'keypoints_visible': [[1]]}, False),
])  # fmt: skip
def test_metadata_from_python_is_that_of_a_file(lifter, walk, change, same):
    plain = {'keypoints': walk(10), 'img_shape': (1000, 1000), 'fps': 30}
    change = {key: value(plain['keypoints']) if callable(value) else value for key, value in change.items()}
    if same:
        expected = inference_lifter(lifter.model, **plain)
        np.testing.assert_array_equal(inference_lifter(lifter.model, **(plain | change)), expected)
    else:
        with pytest.raises(InputError):
            inference_lifter(lifter.model, **(plain | change))


@pytest.mark.parametrize('score', [True, False])
def test_a_file_and_its_array_agree(lifter, walk, tmp_path, score):
    array = np.dstack([walk(10), np.full((10, 17), 0.9)])[..., : 2 + score]
    array[3, 5:9, :2] = 0  # missing, as detectors write it
    np.save(tmp_path / 'a.npy', array)
    file, given = lifter([tmp_path / 'a.npy', array], skeleton='h36m17', img_shape=(1000, 1000), fps=30)
    np.testing.assert_array_equal(file['predictions']['keypoints_3d'], given['predictions']['keypoints_3d'])
    table = KeypointTable.of_person(array[..., :2], skeleton='h36m17')
    filled = next(lifter(table, img_shape=(1000, 1000), fps=60))
    assert not [note for note in filled['notes'] if 'unknown;' in note] and '4 joints at (0, 0)' in filled['notes'][1]


def test_untrained_weights_are_named(repository, clip, fails):
    config = repository / 'configs/mixste/procedural_27.py'
    assert [note for note in next(Pose3DInferencer(config)(clip))['notes'] if 'weights are untrained' in note]
    assert 'config without weights' in fails(main, 'lift', clip, '--model', config)


def test_no_result_replaces_an_input(lifter, clip, tmp_path, monkeypatch, fails):
    before = clip.read_bytes()
    monkeypatch.chdir(tmp_path)
    assert 'would replace an input' in fails(main, 'lift', 'clip.npz', '-o', '.')
    (tmp_path / 'link').symlink_to(tmp_path)
    with pytest.raises(InputError, match='would replace an input'):
        next(lifter(clip, 'link', ['npz']))
    np.savez('body.npz', poses=np.random.default_rng(0).normal(size=(3, 17, 3)))
    with pytest.raises(InputError, match='would replace an input'):
        next(fit_smpl('body.npz', tmp_path, out_dir='.', formats=['npz']))
    with pytest.raises(InputError, match='several results would be called clip'):
        next(lifter(['clip.npz', 'link/clip.npz'], 'out', ['npz']))
    assert clip.read_bytes() == before and not (tmp_path / 'out').exists()


def test_what_cannot_be_written_is_known_before_the_work(clip, tmp_path, fails):
    (tmp_path / 'file').touch()
    (tmp_path / 'out/clip.npz').mkdir(parents=True)
    assert 'is no folder that can be written to' in fails(main, 'lift', clip, '-o', tmp_path / 'file/below')
    assert 'it is a folder' in fails(main, 'lift', clip, '-o', tmp_path / 'out')
    (tmp_path / '..npz').write_bytes(clip.read_bytes())
    main(['lift', str(tmp_path / '..npz'), '-o', str(tmp_path / 'new'), '--formats', 'npz'])
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['keypoints.npz']


def test_a_name_that_is_no_utf_8(clip, tmp_path, capsys):
    name = b'clip\xff.npz'.decode(errors='surrogateescape')
    (tmp_path / name).write_bytes(clip.read_bytes())
    main(['lift', str(tmp_path / name), '-o', str(tmp_path / 'out'), '--formats', 'html'])
    assert '10 poses' in capsys.readouterr().out and len(list((tmp_path / 'out').iterdir())) == 2


def test_words_are_ids(repository, clip, tmp_path, capsys):
    small = {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_heads': 2}
    options = {f'model.backbone.{key}': value for key, value in small.items()}
    recogniser = init_model(repository / 'configs/motionbert/action_procedural_scratch.py', cfg_options=options)
    assert [s['track'] for s in next(ActionInferencer(recogniser)(clip))['predictions']] == ['archer']
    searcher = init_model(repository / 'configs/actionpose/pretrain_procedural.py')
    (tmp_path / 'lib').mkdir()
    (tmp_path / 'lib/a.npz').write_bytes(clip.read_bytes())
    np.savez(tmp_path / 'lib/b.npz', keypoints=np.load(clip)['keypoints'])
    (tmp_path / 'lib/c.npz').symlink_to('nowhere')
    search = MotionSearch(searcher)
    for _ in range(2):  # the second time from the cache
        assert {(hit['file'], hit['track']) for hit in search('a walk', tmp_path / 'lib')} == {
            ('a.npz', 'archer'),
            ('b.npz', 0),
        }
    assert len(search.notes) == 1 and 'nowhere' not in search.notes[0]
    with pytest.raises(InputError, match='choose another name for the cache'):
        search('a walk', tmp_path / 'lib', cache=clip)


@pytest.mark.parametrize(('arguments', 'sentence'), [
    ('--batch-size -3', 'batch_size is -3'),
    ('--batch-size 0', 'batch_size is 0'),
    ('--batch-size x', 'invalid int value'),
    ('--device meta', "device 'meta' cannot be used"),
    ('--device nonsense', "device 'nonsense' cannot be used"),
    ('--fps nan', 'fps is nan'),
    ('--fps 0', 'fps is 0'),
    ('--fps 1e9', 'fps is 1'),
    ('--image-size 0 5', 'img_shape is'),
    ('--image-size 5 5', 'lie outside of the picture'),
    ('--model /etc/hostname', 'no model of the zoo'),
    ('--model a.yml', 'no model of the zoo'),
    ('--model broken.py', 'cannot be read'),
    ('--model empty.py', "no attribute 'model'"),
    ('--model unknown.py', 'Nothing is not in the'),
    ('--model ' + 'long' * 99, 'no model of the zoo'),
    ('--checkpoint ' + 'long' * 99, 'no model of the zoo'),
])  # fmt: skip
def test_arguments_of_lift_end_in_one_line(clip, tmp_path, monkeypatch, fails, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    for name, text in {'broken': 'x = 1 +', 'empty': 'a = 1', 'unknown': "model = dict(type='Nothing')"}.items():
        (tmp_path / f'{name}.py').write_text(text)
    (tmp_path / 'a.yml').write_text('model: !!python/object/apply:os.system [touch ran]')
    weights = ['--checkpoint', 'mixste_cmu_27'] if '--model' in arguments else []
    assert sentence in fails(main, 'lift', clip, *weights, *arguments.split())
    assert not (tmp_path / 'ran').exists()


def test_arguments_of_fit_smpl_end_in_one_sentence(tmp_path):
    pytest.importorskip('smplx', reason='body models need smplx')
    np.savez(tmp_path / 'SMPL_NEUTRAL.npz', **toy_smpl())
    joints = np.random.default_rng(0).normal(size=(3, 17, 3)) / 3
    for wrong in (
        *[{'fps': fps} for fps in (0, -5, np.nan, 1e-9, 'x')],
        *[{'noise': noise} for noise in (0, -1, np.nan, 1e300)],
        {'device': 'meta'},
        {'iterations': 0},
        {'poses': [[1, 2], [3]]},
        {'poses': joints.astype(str)},
    ):
        with pytest.raises(InputError):
            next(fit_smpl(**{'poses': joints, 'body_model': tmp_path, **wrong}))
    [result] = fit_smpl(joints, tmp_path, iterations=1)
    assert [note.split(' is unknown')[0] for note in result['notes']] == ['the joint set', 'the frame rate']
    lifted = {
        'keypoints': joints[..., :2] * 500 + 800, 'track_ids': np.array([2] * 3), 'frame_indices': np.array([0, 1, 4]),
        'keypoints_3d': joints.astype(np.float32), 'skeleton_3d': 'h36m17', 'skeleton': 'h36m17', 'fps': 30,
    }  # fmt: skip
    for change, sentence in (
        ({'frame_indices': np.array([0, 1, 10**12])}, 'away for more than 1000 frames'),
        ({'track_ids': np.array([None] * 3)}, 'not as .* writes them'),
        ({'keypoints_3d': np.full((3, 17, 3), 'x')}, 'keypoints_3d|poses'),
    ):
        np.savez(tmp_path / 'lifted.npz', **(lifted | change))
        with pytest.raises(InputError, match=sentence):
            next(fit_smpl(tmp_path / 'lifted.npz', tmp_path))
    np.savez(tmp_path / 'lifted.npz', **lifted)
    [result] = fit_smpl(tmp_path / 'lifted.npz', tmp_path, iterations=1)
    assert result['notes'] == ['track 2: 2 frames without a pose are filled in']

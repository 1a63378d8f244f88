import json

import numpy as np
import pytest

from poselifter.apis import Pose3DInferencer
from poselifter.cli import main
from poselifter.engine import load_config
from poselifter.io import read_keypoints


@pytest.fixture
def clip(repository):
    return repository / 'demo' / 'clip.npz'


@pytest.fixture
def coco(clip, tmp_path):
    """The clip's arms and legs as COCO results: 17 joints, faces invented, no ids, no size."""
    table = read_keypoints(clip)
    order = [9, 10, 10, 10, 10, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]
    entries = [
        {'image_id': int(f), 'category_id': 1, 'keypoints': np.c_[k[order], v[order]].ravel().tolist(), 'score': 0.9}
        for f, k, v in zip(table.frame_indices, table.keypoints, table.keypoints_visible, strict=True)
    ]
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(entries))
    return path


def test_lift_writes_the_exchange_file(clip, tmp_path, capsys):
    main(['lift', str(clip), '-o', str(tmp_path), '--formats', 'npz,html'])
    with np.load(tmp_path / 'clip.npz') as result, np.load(clip) as source:
        assert result['keypoints_3d'].shape == (len(source['keypoints']), 17, 3)
        assert result['keypoints_3d'].dtype == np.float32
        assert str(result['skeleton_3d']) == 'cmu17'
        np.testing.assert_array_equal(result['keypoints'], source['keypoints'])
        assert result['img_shape'].tolist() == source['img_shape'].tolist()
        assert float(result['fps']) == float(source['fps'])
        assert len(result['track_ids']) == len(result['frame_indices']) == len(source['keypoints'])
    out = capsys.readouterr().out
    assert 'unit m, axes of the camera: x right, y down, z forward, relative to the pelvis' in out
    assert (tmp_path / 'clip.html').stat().st_size > 1000


def test_result_can_be_lifted_again(clip, tmp_path):
    main(['lift', str(clip), '-o', str(tmp_path / 'a'), '--formats', 'npz'])
    main(['lift', str(tmp_path / 'a' / 'clip.npz'), '-o', str(tmp_path / 'b'), '--formats', 'npz'])
    with np.load(tmp_path / 'a' / 'clip.npz') as one, np.load(tmp_path / 'b' / 'clip.npz') as two:
        np.testing.assert_array_equal(one['keypoints_3d'], two['keypoints_3d'])


def test_coco_results_are_lifted(coco, tmp_path, capsys):
    main(['lift', str(coco), '-o', str(tmp_path / 'out'), '--formats', 'npz', '--fps', '30'])
    out = capsys.readouterr().out
    assert 'coco17 is converted to h36m17; approximate joints: spine, thorax, head_top' in out
    assert 'image size is unknown' in out
    assert 'frame rate is unknown' not in out
    with np.load(tmp_path / 'out' / 'results.npz') as result:
        assert str(result['skeleton']) == 'coco17'
        assert np.isfinite(result['keypoints_3d']).all()
        assert len(np.unique(result['track_ids'])) == 1


def test_refusals(clip, tmp_path, fails):
    (tmp_path / 'half.npz').write_bytes(clip.read_bytes()[:2000])
    assert 'half.npz' in fails(main, 'lift', tmp_path / 'half.npz')
    assert 'nowhere.npz' in fails(main, 'lift', tmp_path / 'nowhere.npz')
    assert 'fbx' in fails(main, 'lift', clip, '--formats', 'fbx', '-o', tmp_path / 'out')
    assert 'no_model' in fails(main, 'lift', clip, '--model', 'no_model')
    (tmp_path / 'cut.safetensors').write_bytes(b'\x10\x00\x00\x00\x00\x00\x00\x00{"a"')
    assert 'cut.safetensors' in fails(main, 'lift', clip, '--checkpoint', tmp_path / 'cut.safetensors')
    assert not (tmp_path / 'out').exists()


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(ValueError, match=r'nowhere\.npz'):
        main(['lift', str(tmp_path / 'nowhere.npz'), '--debug'])


def test_zoo(capsys, fails):
    main(['zoo', 'list'])
    assert 'mixste_cmu_27' in capsys.readouterr().out
    main(['zoo', 'info', 'mixste_cmu_27'])
    assert 'cmu_27.py' in capsys.readouterr().out
    main(['zoo', 'download', 'mixste_cmu_27'])
    assert capsys.readouterr().out.strip().endswith('.safetensors')
    fails(main, 'zoo', 'info', 'nothing')


def test_train_and_test_are_the_programs(tmp_path, monkeypatch, capsys, fails):
    """Their options are those of tools/; configs of the package are found where there is no folder of that name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['poselifter'])
    with pytest.raises(SystemExit) as stop:
        main(['train', '--help'])
    assert stop.value.code == 0 and '--auto-scale-lr' in capsys.readouterr().out
    config = 'configs/mixste/procedural_27.py'
    assert load_config(config).codec.fps == 30
    assert 'nothing.pth does not exist' in fails(main, 'test', config, 'nothing.pth')
    (tmp_path / 'configs/mixste').mkdir(parents=True)
    assert f'no config {config}; check the path' in fails(main, 'train', config)


def test_inferencer_takes_arrays_and_lists(clip):
    table = read_keypoints(clip)
    inferencer = Pose3DInferencer()
    array = np.concatenate([table.keypoints, table.keypoints_visible[..., None]], -1)
    from_table, from_array = inferencer([table, array], img_shape=table.img_shape, fps=30)
    np.testing.assert_array_equal(from_table['predictions']['keypoints_3d'], from_array['predictions']['keypoints_3d'])
    assert from_table['predictions']['unit'] == 'm'
    assert from_table['visualization'] == []


def test_lifted_clip_is_close_to_the_truth(clip):
    """The shipped model on the shipped clip: better than half of what a constant pose gets."""
    from poselifter.evaluation.functional import mpjpe

    table = read_keypoints(clip)
    truth = np.load(clip)['truth_3d']
    [result] = Pose3DInferencer()(table)
    constant = np.broadcast_to(truth.mean(0), truth.shape)
    assert mpjpe(result['predictions']['keypoints_3d'], truth) < 0.1
    assert mpjpe(constant, truth) > 0.05

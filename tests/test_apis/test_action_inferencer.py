import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from poselifter.apis import ActionInferencer
from poselifter.errors import InputError
from poselifter.structures import KeypointTable
from poselifter.tracking import interpolate

FRAMES = 70


@pytest.fixture(scope='module')
def inferencer(repository):
    torch.manual_seed(0)
    return ActionInferencer(repository / 'configs/motionbert/action_cmu.py')


def table(*tracks, fps=30.0, img_shape=(1000, 1000)):
    points = np.concatenate(tracks)
    frames = np.concatenate([np.arange(len(track)) for track in tracks])
    ids = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    return KeypointTable(points, np.ones(points.shape[:2]), frames, ids, 'h36m17', img_shape, fps)


def scores_of(inferencer, *args, **kwargs):
    [result] = inferencer(table(*args, **kwargs))
    return [found['scores'] for found in result['predictions']]


def test_scores_of_every_frame(inferencer, walk):
    [result] = inferencer(table(walk(FRAMES)), top_k=2)
    [found] = result['predictions']
    assert found['scores'].shape == (FRAMES, 6) and found['frames'].tolist() == list(range(FRAMES))
    np.testing.assert_allclose(found['scores'].sum(1), 1, atol=1e-5)
    mean = found['scores'].mean(0)
    best = [inferencer.classes[i] for i in np.argsort(-mean)[:2]]
    assert [name for name, _ in found['top']] == best
    assert found['top'][0][1] == pytest.approx(mean.max())
    assert inferencer.classes == ('walk', 'run', 'climb', 'acrobatics', 'drink', 'laugh')


def test_one_window_is_what_the_model_says(inferencer, walk):
    """A clip of a window's length: all of its frames have the scores of one forward pass."""
    points, model = walk(27), inferencer.model
    sample = {'keypoints': points, 'keypoints_visible': np.ones((27, 17), np.float32), 'img_shape': (1000, 1000)}
    inputs = torch.from_numpy(model.codec.encode({**sample, 'skeleton': 'h36m17'})['inputs'])
    with torch.no_grad():
        expected = model(inputs[None])['action'].softmax(-1)
    [found] = scores_of(inferencer, points)
    np.testing.assert_allclose(found, expected.expand(27, -1).numpy(), atol=1e-5)


def test_batches_and_other_persons_do_not_matter(inferencer, walk):
    one, other = walk(FRAMES), walk(40, 1)
    [alone] = scores_of(inferencer, one)
    [first, second] = scores_of(inferencer, one, other)
    [again] = next(iter(inferencer(table(one), batch_size=2)))['predictions']
    np.testing.assert_allclose(first, alone, atol=1e-6)
    np.testing.assert_allclose(again['scores'], alone, atol=1e-6)
    assert second.shape == (40, 6)


def test_frame_rate_is_resampled(inferencer, walk):
    slow = walk(41)
    [at_30] = scores_of(inferencer, slow)
    [at_60] = scores_of(inferencer, interpolate(slow, np.arange(81) / 2), fps=60)
    assert at_60.shape == (81, 6)
    np.testing.assert_allclose(at_60[::2], at_30, atol=0.02)


def test_files(inferencer, tmp_path, walk):
    long, short = walk(40), walk(30, 1)
    [result] = inferencer(table(short, long), out_dir=tmp_path, formats=['json', 'gif'])
    assert [path.name for path in result['visualization']] == ['keypoints_actions.json', 'keypoints_actions.gif']
    document = json.loads((tmp_path / 'keypoints_actions.json').read_text())
    assert [track['track'] for track in document['tracks']] == [0, 1]
    track, found = document['tracks'][1], result['predictions'][1]
    assert track['frames'] == list(range(40)) and len(track['top']) == 3
    np.testing.assert_allclose(track['scores']['run'], found['scores'][:, 1], atol=1e-4)
    assert track['best'] == [inferencer.classes[i] for i in found['scores'].argmax(1)]
    picture = Image.open(tmp_path / 'keypoints_actions.gif')
    assert picture.size == (800, 450) and picture.n_frames == 20  # of the longer track, at 20 a second
    assert np.asarray(picture.convert('RGB'))[:, 400:].std() > 10


@pytest.mark.parametrize('official', [False, True])
def test_models_of_several_persons_see_empty_ones(repository, official, walk):
    """As the NTU models are trained: the clip resampled, a second person of zeros who counts as ``official`` says."""
    config = Config.fromfile(repository / 'configs/motionbert/action_ntu60_xsub.py')
    config.model.backbone.update(num_frames=8, embed_dims=16, rep_dims=16, depth=1)
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline[0].length = 8
    config.model.heads.action.official = official
    torch.manual_seed(0)
    inferencer = ActionInferencer(config, num_frames=20)
    [scores] = scores_of(inferencer, walk(20))
    assert scores.shape == (20, 60) and np.ptp(scores, 0).max() < 1e-6 and inferencer.classes[59] == 'class 59'
    seen = []
    inferencer.model.backbone.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    [again] = scores_of(inferencer, walk(20))
    person, nobody = seen[0][..., 2]  # a place without confidence: as the released pipeline leaves it
    assert person.any() and not nobody.any()
    inferencer.persons = 1
    [alone] = scores_of(inferencer, walk(20))
    np.testing.assert_allclose(again, scores, atol=1e-7)
    assert np.allclose(alone, scores, atol=1e-6) != official


def test_what_does_not_fit_is_named(repository, inferencer, tmp_path, walk):
    with pytest.raises(InputError, match=r"has the heads \['pose'\], expected one called action"):
        ActionInferencer(repository / 'configs/motionbert/cmu_27.py')
    with pytest.raises(InputError, match='2 names for 6 classes'):
        ActionInferencer(repository / 'configs/motionbert/action_cmu.py', classes=['a', 'b'])
    with pytest.raises(InputError, match=r"formats \['bmp'\] are unknown"):
        list(inferencer(table(walk(5)), formats=['bmp']))

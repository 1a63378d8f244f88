"""Texts and motion through the tools: what the configs keep back, zero-shot figures, pictures."""

import json
import pickle

import numpy as np
import pytest
import torch
from inspection.embedding import embed_dataset
from PIL import Image

from poselifter.apis import MotionSearch, init_model, init_text_motion
from poselifter.apis.motion_search import ClipWindows
from poselifter.apis.track_clips import at_rate
from poselifter.engine import load_config
from poselifter.errors import InputError
from poselifter.io import read_keypoints, write_keypoints
from poselifter.registry import DATASETS
from poselifter.structures import KeypointTable

FOLDER = 'configs/actionpose'
SIZES = {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_heads': 2, 'align_layer': 1}
SMALL = {f'model.backbone.{key}': value for key, value in SIZES.items()}
SMALL |= {'model.heads.pose.in_channels': 16, 'model.text_encoder.embed_dims': 8, 'model.text_encoder.size': 64}


def options(*more):
    return ['--cfg-options', *(f'{key}={value}' for key, value in SMALL.items()), *more]


@pytest.fixture
def weights(repository, tmp_path):
    """A checkpoint of the tiny model."""
    config = load_config(repository / FOLDER / 'pretrain_procedural.py', SMALL)
    torch.manual_seed(0)
    torch.save({'state_dict': init_text_motion(config).state_dict(), 'meta': {}}, tmp_path / 'weights.pth')
    return tmp_path / 'weights.pth'


def test_what_is_kept_back_is_not_in_the_training_data(repository):
    training = load_config(repository / FOLDER / 'pretrain_procedural.py')
    unseen, seen = (load_config(repository / FOLDER / f'zeroshot_procedural{kind}.py') for kind in ('', '_seen'))
    taught = training.train_dataloader.dataset
    assert len(taught.motions) == 16 and len(unseen.actions) == 9 and not set(taught.motions) & set(unseen.actions)
    assert set(seen.actions) == set(taught.motions) == set(taught.wordings)
    data = DATASETS.build({**taught, 'n_sequences': 16, 'pipeline': []})
    data.full_init()
    assert len(data.metainfo['texts']) == 96 == sum(len(texts) for texts in taught.wordings.values())
    for config in (unseen, seen):
        asked = {text for texts in config.model.class_texts for text in texts}
        assert not asked & set(data.metainfo['texts'])
        test = config.test_dataloader.dataset
        assert test.motions == config.actions and test.offset >= taught.n_sequences
    words = {word.strip(',') for text in data.metainfo['texts'] for word in text.split()}
    for name in unseen.unseen:  # their names are new words, but for lift, which is called picking up
        assert name == 'lift' or not any(word.startswith(name) for word in words), name


@pytest.mark.parametrize('kind', ['', '_seen'])
def test_zero_shot_through_the_test_tool(tool, repository, weights, tmp_path, kind):
    name = repository / FOLDER / f'zeroshot_procedural{kind}.py'
    small = ['test_dataloader.dataset.n_sequences=18', 'test_dataloader.num_workers=0']
    small += ['test_dataloader.persistent_workers=False']
    out = tmp_path / 'metrics.json'
    argv = [str(name), str(weights), '--work-dir', str(tmp_path / 'run'), '--out', str(out), *options(*small)]
    tool('test').main(argv)
    metrics = json.loads(out.read_text())
    config = load_config(name, {**SMALL, 'test_dataloader.dataset.n_sequences': 18})
    model, data = init_text_motion(config, weights), DATASETS.build(config.test_dataloader.dataset)
    shares, labels = {}, {}
    for item in data:
        sample = item['data_samples']
        shares.setdefault(sample.sequence, []).append(
            model.text_probabilities(item['inputs'][None], model.class_texts)[0]
        )
        labels[sample.sequence] = int(sample.action)
    right = [int(torch.stack(found).mean(0).argmax()) == labels[name] for name, found in shares.items()]
    assert metrics['top1'] == pytest.approx(100 * np.mean(right)) and len(right) == 18


@pytest.fixture
def clips(repository, tmp_path):
    """Two files of the demo clip: all of it, and a part."""
    table = read_keypoints(repository / 'demo/clip.npz')
    parts = {'whole': slice(None), 'part': slice(0, 40)}
    for name, rows in parts.items():
        for field in ('keypoints', 'keypoints_visible', 'frame_indices', 'track_ids'):
            setattr(table, field, getattr(table, field)[rows])
        write_keypoints(tmp_path / f'{name}.npz', table)
    return [str(tmp_path / f'{name}.npz') for name in parts]


def draw(tool, repository, weights, *argv):
    out = weights.parent / 'pictures'
    config = str(repository / FOLDER / 'zeroshot_procedural.py')
    tool('analysis_tools/visualize_text_motion').main([config, str(weights), *argv, '--out', str(out)])
    [path] = out.glob('*.png')
    picture = np.asarray(Image.open(path).convert('RGB'))
    assert picture.std() > 10
    return path


def test_pairs(tool, repository, weights, clips, capsys):
    texts = ['bows', 'squats', 'waves', 'turns']
    path = draw(tool, repository, weights, 'pair', '--clips', *clips, '--texts', *texts, *options())
    assert path.name == 'pairs.png'
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(('whole: ', 'part: '))]
    model = init_text_motion(load_config(repository / FOLDER / 'zeroshot_procedural.py', SMALL), weights)
    search = MotionSearch(model, stride=2)
    for line, clip, pair in zip(lines, clips, (texts[:2], texts[2:]), strict=True):
        rows = search.embed_table(read_keypoints(clip), 'x').embeddings
        exps = np.exp((rows @ model.embed_texts(pair).numpy().T).mean(0) / 0.1)
        shares = [float(part.rsplit(' ', 1)[1]) for part in line.split(': ')[1].split(', ')]
        np.testing.assert_allclose(shares, exps / exps.sum(), atol=0.006)


def test_pairs_of_dumped_clips(tool, repository, weights, clips, tmp_path, capsys):
    table = read_keypoints(clips[0])
    whole = {'sequence': 'S9/Walk/1', 'action_name': 'Walk', 'skeleton': table.skeleton, 'fps': table.fps}
    whole |= {'keypoints': table.keypoints, 'keypoints_visible': table.keypoints_visible, 'img_shape': table.img_shape}
    (tmp_path / 'dump.pkl').write_bytes(pickle.dumps([{**whole, 'sequence': 'S9/Sit/1', 'action_name': 'Sit'}, whole]))
    pair = ['pair', '--texts', 'bows', 'squats', *options(), '--clips']
    draw(tool, repository, weights, *pair, clips[0])
    dumped = ['Walk', 'S9/W*', '--dump', str(tmp_path / 'dump.pkl')]
    draw(tool, repository, weights, *pair, *dumped)
    lines = [line for line in capsys.readouterr().out.splitlines() if 'bows' in line]
    assert [line.split(': ')[0] for line in lines] == ['whole', 'S9_Walk_1', 'S9_Walk_1']
    assert len({line.split(': ')[1] for line in lines}) == 1
    with pytest.raises(InputError, match="has no sequence or action 'Run', only S9/Sit/1, S9/Walk/1"):
        draw(tool, repository, weights, *pair, 'Run', *dumped[2:])


def test_similarity_over_time(tool, repository, weights, clips):
    texts = ['waves', 'turns']
    path = draw(tool, repository, weights, 'time', '--clips', clips[0], '--texts', *texts, *options())
    assert path.name == 'whole_similarity.png'


def test_embeddings_beside_pooled_features(tool, repository, weights):
    pytest.importorskip('sklearn')
    beside = ['--beside', str(repository / FOLDER / 'zeroshot_procedural.py'), str(weights)]
    few = ['test_dataloader.dataset.n_sequences=18']
    path = draw(tool, repository, weights, 'embeddings', *beside, *options(*few))
    assert path.name == 'embeddings.png'


@pytest.fixture
def babel(repository, toy_root, tmp_path, monkeypatch):
    """(config of ActionPose's pretraining, its options and weights of a tiny model), on toy files."""
    monkeypatch.setenv('POSELIFTER_DATA', str(toy_root))
    sizes = {key: value for key, value in SMALL.items() if 'text_encoder' not in key}
    sizes |= {'model.text_encoder': {'type': 'HashedTextEncoder', 'embed_dims': 8, 'size': 64, '_delete_': True}}
    config = load_config(repository / FOLDER / 'pretrain_babel_243.py', sizes)
    torch.save({'state_dict': init_text_motion(config).state_dict(), 'meta': {}}, tmp_path / 'babel.pth')
    config.dump(tmp_path / 'babel.py')
    return tmp_path / 'babel.py', tmp_path / 'babel.pth'


def test_the_pretraining_on_babel_knows_its_frame_rate(babel):
    """It is that of the data; clips of 60 frames a second are brought to it."""
    config = load_config(babel[0])
    data = DATASETS.build(config.train_dataloader.dataset)
    model = init_text_motion(*babel)
    assert data.get_data_info(0)['fps'] == model.codec.fps == config.codec.fps == 30
    for part in (config.train_dataloader, config.test_dataloader):
        assert [step.codec.fps for step in part.dataset.pipeline if step.type == 'Encode'] == [30]
    still = KeypointTable.of_person(np.full((121, 17, 2), 500.0) + np.arange(17)[:, None], fps=60)
    search, frames = MotionSearch(model), []
    search.embed = lambda inputs, *_: frames.append(len(inputs)) or ClipWindows(*np.zeros((4, 1)))
    search.embed_table(still, 'still')
    assert frames == [61]  # 2 seconds; it would be 102 at 50 frames a second


def test_the_embedding_picture_shows_babel(tool, repository, babel, tmp_path):
    """Its labelled clips by verb, also as a model of Human3.6M at 50 frames a second sees them."""
    pytest.importorskip('sklearn')
    sizes = {key: value for key, value in SMALL.items() if 'text' not in key and 'align' not in key}
    other = load_config(repository / 'configs/motionbert/h36m_243.py', sizes)
    other.dump(tmp_path / 'other.py')
    torch.save({'state_dict': init_model(other).state_dict(), 'meta': {}}, tmp_path / 'other.pth')
    shown = {}
    tool('test').main([*map(str, babel), '--work-dir', str(tmp_path / 'run'), '--out', str(tmp_path / 'metrics.json')])
    assert json.loads((tmp_path / 'metrics.json').read_text())['MPJPE'] > 0  # clips shorter than a window count
    module = tool('analysis_tools/visualize_text_motion')
    module.save_scatter = lambda path, points, labels, *_: shown.update(points=points, labels=labels)
    beside = ['--beside', str(tmp_path / 'other.py'), str(tmp_path / 'other.pth')]
    module.main([*map(str, babel), 'embeddings', *beside, '--out', str(tmp_path)])
    assert shown['labels'] == ['walk', 'walk'] and len(shown['points']) == 2
    assert all(points.shape == (2, 2) for points in shown['points'].values())
    data = DATASETS.build(load_config(babel[0]).test_dataloader.dataset)
    model = init_model(other)
    inputs, sample = data[0]['inputs'], data[0]['data_samples']
    found = embed_dataset(model, data, pooled=True)[sample.sequence][0]
    slow = at_rate(inputs, 30, 50)
    assert abs(len(slow) - len(inputs) * 5 / 3) < 2
    np.testing.assert_allclose(found, model.extract_feat(slow[None])['features'].mean(1).flatten().detach(), atol=1e-5)


def test_embeddings_are_those_of_the_common_space(repository, weights):
    changes = {**SMALL, 'test_dataloader.dataset.n_sequences': 3}
    config = load_config(repository / FOLDER / 'zeroshot_procedural.py', changes)
    model, data = init_text_motion(config, weights), DATASETS.build(config.test_dataloader.dataset)
    found = embed_dataset(model, data, pooled=False)
    names = [item['data_samples'].sequence for item in data]
    windows = torch.stack([item['inputs'] for item in data])[[name == names[0] for name in names]]
    np.testing.assert_allclose(found[names[0]][0], model.embed_clips(windows).mean(0), atol=1e-5)
    assert [label for _, label, _ in found.values()] == ['jump', 'clap', 'drink'] or len(found) == 3


def test_what_is_missing_is_named(tool, repository, weights, fails, clips):
    main = tool('analysis_tools/visualize_text_motion').main
    config = repository / FOLDER / 'zeroshot_procedural.py'
    assert 'needs --clips and --texts' in fails(main, config, weights, 'time', *options())
    line = fails(main, config, weights, 'pair', '--clips', *clips, '--texts', 'a', 'b', 'c', *options())
    assert '--texts has 3 for 2 clips' in line

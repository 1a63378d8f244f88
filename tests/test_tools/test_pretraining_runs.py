"""The four pretrainings as shipped, on the small excerpt of real motion: resumed, handed on."""

import json

import pytest
import torch
from mmengine.config import Config

import poselifter
from poselifter.apis import load_official
from poselifter.checkpoints import read_official
from poselifter.engine import MotionRunner, load_config
from poselifter.registry import DATASETS

SMALL = {'embed_dims': 16, 'depth': 2, 'num_heads': 2}


def changes(system, data_dir, sources=()):
    """Changes that let a shipped config run on the excerpt in seconds, by dotted key."""
    found = {f'model.backbone.{key}': value for key, value in {**SMALL, 'drop_rate': 0.1}.items()}
    found |= {'model.backbone.align_layer': 1} if system == 'actionpose' else {}
    for place in sources or ('train_dataloader.dataset',):
        found |= {f'{place}.data_root': str(data_dir), f'{place}.ann_file': 'cmu_tiny.npz'}
        found |= {f'{place}.window.stride': 120}
    return found


RUNS = {
    'pstmo/pretrain_cmu_27': {'model.head.num_heads': 2, 'model.head.depth': 1},
    'motion2vec/pretrain_cmu_27': {'model.filler': 'noise'},
    'motionbert/pretrain_cmu_27': {},
    'actionpose/pretrain_cmu_27': {},
    # 3D alone in the first epoch, then both
    'motionbert/pretrain_cmu_27_few': {'train_dataloader.batch_sampler.first_epochs': [1, 0]},
}


@pytest.mark.parametrize('config', RUNS)
def test_resumed_pretraining_ends_in_the_same_weights(runs, data_dir, tmp_path, assert_same_weights, config):
    """Masks, noise, drawn texts, dropout, the teacher and its steps, and the place in the curriculum."""
    few, system = 'few' in config, config.split('/')[0]
    sources = [f'train_dataloader.dataset.datasets.{i}' for i in (0, 1)] if few else []
    epochs = 3 if few else 2
    options = {**changes(system, data_dir, sources), **RUNS[config], 'train_cfg.max_epochs': epochs}
    options['train_dataloader.batch_size'] = 12
    first = runs.train(config, options, '--no-validate', name='whole') / 'epoch_1.pth'
    torch.manual_seed(9)  # the state of the generators must not matter
    runs.train(config, options, '--no-validate', '--resume', first, name='resumed')
    assert not (tmp_path / 'resumed/epoch_1.pth').exists()
    files = [tmp_path / name / f'epoch_{epochs}.pth' for name in ('whole', 'resumed')]
    assert_same_weights(*files)
    start, end = (torch.load(path, weights_only=True) for path in (first, files[1]))
    moved = [key for key, value in end['state_dict'].items() if not torch.equal(value, start['state_dict'][key])]
    assert any(key.startswith('backbone.') for key in moved)
    if system == 'motion2vec':
        assert end['state_dict']['teacher.steps'] == 1 + end['meta']['iter']  # the count starts at 1
        assert sum(key.startswith('teacher.module.') for key in moved) > 20


def tiny(repository, data_dir, name, **more):
    """A shipped config, shrunk."""
    path = repository / f'configs/{name}.py'
    return load_config(path, {**changes(name.split('/')[0], data_dir), **more})


def started(config, work_dir, load_from):
    """The model of a downstream config as its training starts."""
    config = Config({**config.to_dict(), 'work_dir': str(work_dir), 'load_from': str(load_from)})
    runner = MotionRunner.from_cfg(config)
    fresh = {key: value.clone() for key, value in runner.model.state_dict().items()}
    runner.load_or_resume()
    return fresh, runner.model.state_dict()


LABELS = {  # what the samples of each source hold beside the inputs
    'pstmo/pretrain_cmu_27': [{'mask'}],
    'motion2vec/pretrain_cmu_27': [{'masks'}],
    'motionbert/pretrain_cmu_27_few': [{'target_2d', 'target_2d_weight'}, {'target', 'target_weight'}],
    'actionpose/pretrain_cmu_27_few': [set(), {'target', 'target_weight'}],
}


@pytest.mark.parametrize('name', LABELS)
def test_labels_in_3d_reach_the_model_where_the_config_says_so(repository, data_dir, name):
    poselifter.register_all_modules()
    config = load_config(repository / f'configs/{name}.py')
    dataset = config.train_dataloader.dataset
    sources = dataset.get('datasets', [dataset])
    subjects = []
    for source, labels in zip(sources, LABELS[name], strict=True):
        built = DATASETS.build({**source, 'data_root': str(data_dir), 'ann_file': 'cmu_tiny.npz'})
        packed = built[0]
        assert set(packed['data_samples'].keys()) - {'action'} == labels
        facts = packed['data_samples'].metainfo
        assert not any(torch.is_tensor(value) or hasattr(value, 'dtype') for value in facts.values())
        subjects.append({built.get_data_info(i)['subject'] for i in built.windows[:, 0].tolist()})
        steps = [step['type'] for step in source['pipeline']]
        hides = [i for i, step in enumerate(steps) if 'Mask' in step or step in ('FrameRemoval', 'JointReplacement')]
        assert hides == list(range(len(steps) - 1 - len(hides), len(steps) - 1))  # last before it is packed
    if len(sources) == 2:
        assert subjects[1] == {'05', '35'} and subjects[0] and not subjects[0] & subjects[1]


OFFICIAL = {
    'pstmo/stage1_train_step': 'pretrain',
    'pstmo/stage1_masked_27': 'pretrain',
    'motion2vec/pretrain_step_train': 'pretrain',
    'motion2vec/pretrain_to_pose': 'pretrain',
    'motionbert/dstformer_train_step': 'pose',
}


@pytest.mark.parametrize('case', OFFICIAL)
def test_downstream_configs_take_official_encoders(repository, data_dir, shared, tmp_path, case):
    poselifter.register_all_modules()
    folder, system = shared / 'fixtures/parity' / case, case.split('/')[0]
    sizes = json.loads((folder / 'meta.json').read_text()).get('constructor', {})
    official = read_official(folder / 'checkpoint.pth', system, OFFICIAL[case])
    if case == 'motion2vec/pretrain_to_pose':
        sizes = {key: value for key, value in sizes.items() if key != 'dim_out'}
    backbone = official.network(sizes)['backbone']
    expected = load_official(folder / 'checkpoint.pth', system, OFFICIAL[case], **sizes).network.backbone.state_dict()
    config = tiny(repository, data_dir, f'{system}/cmu_27')
    joints = {'num_joints': 17} if system == 'pstmo' else {}
    confidence = backbone.get('in_channels', 3) == 3
    config.model = {
        'type': 'MotionEstimator',
        'backbone': backbone,
        'heads': {'pose': {'type': 'PoseHead', **joints}},
        'codec': {'type': 'RootRelativeLifting', 'confidence': confidence},
    }
    fresh, found = started(config, tmp_path, folder / 'checkpoint.pth')
    assert len(expected) > 20
    for key, value in expected.items():
        assert torch.equal(found[f'backbone.{key}'], value), key
    heads = [key for key in found if key.startswith('heads.')]
    if system != 'motionbert':  # whose pretraining has the 3D head, which the released fine-tuning takes too
        assert heads and all(torch.equal(found[key], fresh[key]) for key in heads)

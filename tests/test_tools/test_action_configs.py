import json

import numpy as np
import pytest
import torch
from toy_datasets import ntu as toy

import poselifter
from poselifter.checkpoints import load_weights
from poselifter.engine import load_config
from poselifter.registry import MODELS
from poselifter.structures import MotionDataSample

SMALL = {'num_frames': 8, 'embed_dims': 16, 'rep_dims': 16, 'depth': 1}
NOVEL = ['S001C003P008R001A001', 'S001C003P008R001A007']


@pytest.fixture
def options(runs, tmp_path):
    """Writes clips of these names, and returns options for a small network on them."""

    def write(names):
        data = toy.write_pickle(tmp_path / 'toy.pkl', names)
        loader = {'dataset.data_root': tmp_path, 'dataset.ann_file': data.name, 'batch_size': 8}
        small = {f'model.backbone.{name}': value for name, value in SMALL.items()}
        return {**small, **runs.loaders(**loader, **{'dataset.pipeline.0.length': 8})}

    return write


def test_action_model_learns_the_toy_classes(runs, options):
    """Four classes that show in which joint moves: far above the 25 % of guessing."""
    given = options(toy.names(range(1, 5), (1, 2, 3, 4), (1, 2), (1, 2)))
    given |= {
        f'model.heads.action.{key}': v for key, v in {'num_classes': 4, 'dropout': 0.1, 'hidden_dims': 32}.items()
    }
    # slow enough at the end for the batch norm's means to catch up with what they normalise
    given |= {'optim_wrapper.optimizer.lr': 5e-3, 'param_scheduler.0.gamma': 0.95}
    metrics, path = runs.train_and_test('motionbert/action_ntu60_xsub', given, epochs=20)
    assert set(metrics) == {'top1', 'top5', 'mean_class_accuracy'}
    assert metrics['top5'] == 100 and metrics['top1'] > 45
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint['meta']['codec']['type'] == 'KeypointClips' and 'skeleton_3d' not in checkpoint['meta']
    rates = {group['initial_lr'] for group in checkpoint['optimizer']['param_groups']}
    assert sorted(rates) == pytest.approx([5e-4, 5e-3])


def test_one_shot(runs, options):
    given = options([*NOVEL, *toy.names((1, 2, 3, 4, 5, 7), (1, 2), (1, 2))])
    given['model.heads.embedding.hidden_dims'] = 32
    metrics, _ = runs.train_and_test('motionbert/oneshot_ntu120', given, epochs=2)
    assert set(metrics) == {'one_shot_accuracy', 'mean_class_accuracy'}
    assert 0 <= metrics['one_shot_accuracy'] <= 100


@pytest.mark.parametrize(('name', 'case', 'head', 'extra'), [
    ('action_ntu60_xsub', 'action_net', 'action', {'model.heads.action.num_classes': 11}),
    ('oneshot_ntu120', 'action_embed', 'embedding', {}),
])  # fmt: skip
def test_official_weights_in_the_config(shared, repository, name, case, head, extra):
    """The case's weights in the config's model, in the modes of training and testing."""
    poselifter.register_all_modules()
    folder = shared / 'fixtures/parity/motionbert' / case
    meta = json.loads((folder / 'meta.json').read_text())
    size, width = meta['constructor_backbone'], meta['constructor_head'].get('hidden_dim_effective')
    sizes = {'embed_dims': size['dim_feat'], 'rep_dims': size['dim_rep'], 'depth': size['depth']}
    sizes |= {'num_heads': size['num_heads'], 'mlp_ratio': size['mlp_ratio'], 'num_frames': size['maxlen']}
    given = {**extra, **{f'model.backbone.{key}': value for key, value in sizes.items()}}
    given |= {f'model.heads.{head}.hidden_dims': width} if width else {}
    model = MODELS.build(load_config(repository / f'configs/motionbert/{name}.py', given).model).eval()
    load_weights(model, folder / 'checkpoint.pth')
    clips, expected = (torch.from_numpy(np.load(folder / f'{part}.npy')) for part in ('input', 'output'))
    with torch.no_grad():
        torch.testing.assert_close(model(clips)[head], expected, atol=5e-6, rtol=1e-5)
        samples = model(list(clips), [MotionDataSample() for _ in clips], mode='predict')
    predicted = torch.stack([sample.get(model.heads[head].predicts[0]) for sample in samples])
    torch.testing.assert_close(predicted, expected.softmax(-1) if head == 'action' else expected, atol=5e-6, rtol=1e-5)

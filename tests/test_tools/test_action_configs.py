"""The configs of actions on a toy NTU RGB+D: they train, test what they trained, and read official weights."""

import json

import pytest
import torch
from toy_datasets import ntu as toy

SMALL = {'num_frames': 8, 'embed_dims': 16, 'rep_dims': 16, 'depth': 1}
NOVEL = ['S001C003P008R001A001', 'S001C003P008R001A007']


def options(tmp_path, file, length, **more):
    made = ['load_from=None', *(f'model.backbone.{name}={value}' for name, value in SMALL.items())]
    for loader in ('train', 'val', 'test'):
        made += [f'{loader}_dataloader.dataset.data_root={tmp_path}', f'{loader}_dataloader.dataset.ann_file={file}']
        made += [f'{loader}_dataloader.num_workers=0', f'{loader}_dataloader.persistent_workers=False']
        made += [f'{loader}_dataloader.dataset.pipeline.0.length={length}', f'{loader}_dataloader.batch_size=8']
    return [*made, *(f'{name}={value}' for name, value in more.items())]


@pytest.fixture
def run(tool, repository, tmp_path):
    """Trains and tests a config; returns its metrics."""

    def both(name, given, epochs):
        path, out = str(repository / f'configs/motionbert/{name}.py'), tmp_path / 'metrics.json'
        more = ['--cfg-options', *given, f'train_cfg.max_epochs={epochs}', f'train_cfg.val_interval={epochs}']
        tool('train').main([path, '--work-dir', str(tmp_path), *more])
        checkpoint = str(tmp_path / f'epoch_{epochs}.pth')
        tool('test').main([path, checkpoint, '--work-dir', str(tmp_path), '--out', str(out), *more])
        return json.loads(out.read_text()), torch.load(checkpoint, weights_only=True)

    return both


def test_action_model_learns_the_toy_classes(run, tmp_path):
    """Four classes that show in which joint moves: far above the 25 % of guessing."""
    toy.write_pickle(tmp_path / 'toy.pkl', toy.names(range(1, 5), (1, 2, 3, 4), (1, 2), (1, 2)))
    given = options(tmp_path, 'toy.pkl', 8, **{'model.heads.action.num_classes': 4, 'model.heads.action.dropout': 0.1})
    # slow enough at the end for the batch norm's means to catch up with what they normalise
    given += ['model.heads.action.hidden_dims=32', 'optim_wrapper.optimizer.lr=5e-3', 'param_scheduler.0.gamma=0.95']
    metrics, checkpoint = run('action_ntu60_xsub', given, epochs=16)
    assert set(metrics) == {'top1', 'top5', 'mean_class_accuracy'}
    assert metrics['top5'] == 100 and metrics['top1'] > 45
    assert checkpoint['meta']['codec']['type'] == 'KeypointClips' and 'skeleton_3d' not in checkpoint['meta']
    rates = {group['initial_lr'] for group in checkpoint['optimizer']['param_groups']}
    assert sorted(rates) == pytest.approx([5e-4, 5e-3])


def test_one_shot(run, tmp_path):
    toy.write_pickle(tmp_path / 'toy.pkl', [*NOVEL, *toy.names((1, 2, 3, 4, 5, 7), (1, 2), (1, 2))])
    given = options(tmp_path, 'toy.pkl', 8)
    metrics, _ = run('oneshot_ntu120', [*given, 'model.heads.embedding.hidden_dims=32'], epochs=2)
    assert set(metrics) == {'one_shot_accuracy', 'mean_class_accuracy'}
    assert 0 <= metrics['one_shot_accuracy'] <= 100


@pytest.mark.parametrize(('name', 'case', 'head', 'extra'), [
    ('action_ntu60_xsub', 'action_net', 'action', {'model.heads.action.num_classes': 11}),
    ('oneshot_ntu120', 'action_embed', 'embedding', {}),
])  # fmt: skip
def test_official_weights_in_the_config(shared, repository, name, case, head, extra):
    """The case's weights in the config's model, in the modes of training and testing."""
    import numpy as np

    import poselifter
    from poselifter.checkpoints import load_weights
    from poselifter.engine import load_config
    from poselifter.registry import MODELS
    from poselifter.structures import MotionDataSample

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

"""The small configs of actions train and test: on excerpts of CMU, and on motions made in memory."""

import json

import pytest
import torch

LOADERS = ('train', 'val', 'test')


def options(*more):
    """A tiny network, in this process."""
    made = ['load_from=None', 'model.backbone.embed_dims=16', 'model.backbone.rep_dims=16', 'model.backbone.depth=1']
    return [*made, 'train_cfg.max_epochs=1', 'param_scheduler.0.end=2', *more]


@pytest.fixture
def run(tool, repository, tmp_path):
    """Trains and tests a config; returns its metrics and its weights before and after."""

    def both(name, *given):
        path = tmp_path / 'config.py'
        alone = 'dict(num_workers=0, persistent_workers=False)'
        parts = LOADERS if 'procedural' in name else ('train', 'test')
        loaders = '\n'.join(f'{part}_dataloader = {alone}' for part in parts)
        path.write_text(f"_base_ = '{repository}/configs/motionbert/{name}.py'\n{loaders}\n")
        more = ['--cfg-options', *options(*given)]
        work, out = tmp_path / 'run', tmp_path / 'metrics.json'
        tool('train').main([str(path), '--work-dir', str(work), *more])
        tool('test').main([str(path), str(work / 'epoch_1.pth'), '--work-dir', str(work), '--out', str(out), *more])
        return json.loads(out.read_text()), torch.load(work / 'epoch_1.pth', weights_only=True)

    return both


def test_actions_of_cmu(run, data_dir, tmp_path):
    source = [
        f'{p}_dataloader.dataset.{k}'
        for p in ('train', 'test')
        for k in (f'data_root={data_dir}', 'ann_file=cmu_tiny.npz')
    ]
    metrics, checkpoint = run('action_cmu_frozen', *source)
    low, high = metrics['mean_class_accuracy_low'], metrics['mean_class_accuracy_high']
    assert 0 <= low <= metrics['mean_class_accuracy'] <= high <= 100 and 'top1' in metrics
    trained = {p for group in checkpoint['optimizer']['param_groups'] for p in group['params']}
    heads = [key for key in checkpoint['state_dict'] if key.startswith('heads.') and 'running' not in key]
    assert len(trained) == len([key for key in heads if 'num_batches' not in key])  # the backbone is frozen


@pytest.mark.parametrize('name', ['action_procedural', 'oneshot_procedural_frozen'])
def test_motions_made_in_memory(run, name):
    sizes = [f'{part}_dataloader.dataset.n_sequences=75' for part in LOADERS]
    short = [f'{part}_dataloader.dataset.n_frames=40' for part in LOADERS]
    metrics, _ = run(name, *sizes, *short)
    expected = {
        'action_procedural': {
            'top1',
            'top5',
            'mean_class_accuracy',
            *(f'mean_class_accuracy_{e}' for e in ('low', 'high')),
        },
        'oneshot_procedural_frozen': {'few_shot_accuracy', 'few_shot_std', 'chance'},
    }
    assert set(metrics) == expected[name]

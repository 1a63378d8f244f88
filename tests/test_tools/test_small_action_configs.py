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


@pytest.mark.parametrize(
    ('name', 'more', 'others'),
    [
        ('action_cmu_frozen', [], []),
        ('multitask_cmu_frozen', ['train_dataloader.batch_size=8', 'test_evaluator.2.ways=3'], ['pose', 'embedding']),
    ],
)
def test_actions_of_cmu(run, data_dir, name, more, others):
    source = [
        f'{p}_dataloader.dataset.{k}'
        for p in ('train', 'test')
        for k in (f'data_root={data_dir}', 'ann_file=cmu_tiny.npz')
    ]
    metrics, checkpoint = run(name, *source, *more)
    low, high = metrics['mean_class_accuracy_low'], metrics['mean_class_accuracy_high']
    assert 0 <= low <= metrics['mean_class_accuracy'] <= high <= 100 and 'top1' in metrics
    trained = {p for group in checkpoint['optimizer']['param_groups'] for p in group['params']}
    heads = [key for key in checkpoint['state_dict'] if key.startswith('heads.') and 'running' not in key]
    assert len(trained) == len([key for key in heads if 'num_batches' not in key])  # the backbone is frozen
    assert {key.split('.')[1] for key in heads} == {'action', *others}
    assert ('few_shot_accuracy' in metrics) == ('MPJPE' in metrics) == bool(others)


@pytest.mark.parametrize(
    'name',
    ['action_procedural', 'oneshot_procedural_frozen', pytest.param('multitask_procedural', marks=pytest.mark.slow)],
)
def test_motions_made_in_memory(run, name):
    sizes = [f'{part}_dataloader.dataset.n_sequences=75' for part in LOADERS]
    short = [f'{part}_dataloader.dataset.n_frames=40' for part in LOADERS]
    metrics, _ = run(name, *sizes, *short)
    classes = {f'mean_class_accuracy{end}' for end in ('', '_low', '_high')}
    few_shot = {'few_shot_accuracy', 'few_shot_std', 'chance'}
    expected = {
        'action_procedural': {'top1', 'top5', *classes},
        'oneshot_procedural_frozen': {*few_shot, 'few_shot_accuracy_low', 'few_shot_accuracy_high'},
        'multitask_procedural': {'MPJPE', 'P-MPJPE', 'MPJPE/walk', 'top1', *classes, *few_shot},
    }[name]
    assert expected <= set(metrics) and (name.startswith('multitask') or expected == set(metrics))

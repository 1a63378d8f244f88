import pytest
import torch

TINY = {'model.backbone.embed_dims': 16, 'model.backbone.rep_dims': 16, 'model.backbone.depth': 1}
TINY['param_scheduler.0.end'] = 2


@pytest.mark.parametrize(('name', 'more', 'others'), [
    ('action_cmu', {}, []),
    ('multitask_cmu', {'train_dataloader.batch_size': 8, 'test_evaluator.2.ways': 3}, ['pose', 'embedding']),
])  # fmt: skip
def test_actions_of_cmu(runs, data_dir, name, more, others):
    data = runs.loaders('train', 'test', **{'dataset.data_root': data_dir, 'dataset.ann_file': 'cmu_tiny.npz'})
    metrics, path = runs.train_and_test(f'motionbert/{name}', {**TINY, **data, **more}, variant='frozen')
    checkpoint = torch.load(path, weights_only=True)
    low, high = metrics['mean_class_accuracy_low'], metrics['mean_class_accuracy_high']
    assert 0 <= low <= metrics['mean_class_accuracy'] <= high <= 100 and 'top1' in metrics
    trained = {p for group in checkpoint['optimizer']['param_groups'] for p in group['params']}
    heads = [key for key in checkpoint['state_dict'] if key.startswith('heads.') and 'running' not in key]
    assert len(trained) == len([key for key in heads if 'num_batches' not in key])  # the backbone is frozen
    assert {key.split('.')[1] for key in heads} == {'action', *others}
    assert ('few_shot_accuracy' in metrics) == ('MPJPE' in metrics) == bool(others)


SIZES, SUBSET = {'n_sequences': 50, 'n_frames': 27}, 'test_dataloader.dataset.motions'
CLASSES = {f'mean_class_accuracy{end}' for end in ('', '_low', '_high')}
FEW_SHOT = {'few_shot_accuracy', 'few_shot_std', 'chance'}


@pytest.mark.parametrize(('name', 'variant', 'expected'), [
    ('action_procedural', 'scratch', {'top1', 'top5', *CLASSES}),
    ('oneshot_procedural', 'frozen', {*FEW_SHOT, 'few_shot_accuracy_low', 'few_shot_accuracy_high'}),
    pytest.param(
        'multitask_procedural', 'scratch', {'MPJPE', 'P-MPJPE', 'MPJPE/walk', 'top1', *CLASSES, *FEW_SHOT},
        marks=pytest.mark.slow,
    ),
])  # fmt: skip
def test_motions_made_in_memory(runs, name, variant, expected):
    data = runs.loaders(**{'dataset.n_sequences': 75, 'dataset.n_frames': 40})
    metrics, _ = runs.train_and_test(f'motionbert/{name}', TINY | data, variant=variant)
    assert expected <= set(metrics) and (name.startswith('multitask') or expected == set(metrics))


def test_other_classes_than_the_model_s_are_refused(runs, tool, repository, fails):
    """By the tools that train, test and check; a part of the classes keeps its numbers."""
    sizes = {f'{part}_dataloader.dataset.{key}': n for part in ('train', 'val', 'test') for key, n in SIZES.items()}
    options = {**runs.loaders(), **sizes, 'train_cfg.max_epochs': 1, 'model.backbone.depth': 1}
    config = repository / 'configs/motionbert/action_procedural.py'
    checkpoint = runs.train('motionbert/action_procedural', options, '--variant', 'scratch') / 'epoch_1.pth'
    assert runs.test('motionbert/action_procedural', checkpoint, {**options, SUBSET: "['squat','bow']"})['top1'] >= 0
    renumbered = [
        f'{key}={value}' for key, value in {**options, 'test_dataloader.dataset.classes': "['bow','squat']"}.items()
    ]
    line = fails(tool('test').main, config, checkpoint, '--cfg-options', *renumbered)
    assert 'the model numbers the actions walk, wave' in line and 'the data bow, squat; set classes' in line
    few = ['--cfg-options', 'model.heads.action.num_classes=3', 'train_dataloader.dataset.n_sequences=9']
    for name in ('train', 'misc/check_dataset'):
        assert 'has the class 3, the model has 3, 0 to 2' in fails(
            tool(name).main, config, '--variant', 'scratch', *few
        )

import json

import pytest
import torch

from poselifter.engine import load_config


@pytest.fixture
def module(tool):
    return tool('analysis_tools/action_baselines')


def test_features_by_hand(module):
    """Joint 0 moves by 2 a frame in x; joint 1 by 0 and 4 in turn in y."""
    clip = torch.zeros(1, 5, 2, 3)
    clip[0, :, 0, 0] = 2.0 * torch.arange(5)
    clip[0, :, 1, 1] = torch.tensor([0.0, 0, 4, 4, 8])
    clip[..., 2] = torch.rand(1, 5, 2)  # confidences have no part
    expected = torch.tensor([[2.0, 0, 0, 2, 0, 0, 0, 2]])
    torch.testing.assert_close(module.velocity_features(clip), expected)
    torch.testing.assert_close(module.velocity_features(torch.stack([clip, 3 * clip], 1)), 2 * expected)


def test_regression_finds_the_optimum(module):
    """One feature, two classes: the weights' gradient is nil where the balanced, decayed loss is least."""
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(400, generator=generator) < 0.2).long()
    features = torch.randn(400, 1, generator=generator) + labels[:, None]
    rule, decay = module.fit_logistic(features, labels, 2), 1e-2
    x = ((features - features.mean()) / features.std()).double()
    logit = rule(features).log().diff(dim=-1)
    slope = torch.linalg.lstsq(torch.cat([x, torch.ones_like(x)], 1), logit).solution[0, 0]
    weight = torch.where(labels == 1, 1 / labels.sum(), 1 / (1 - labels).sum()).double() / 2
    gradient = (weight[:, None] * (rule(features)[:, 1:] - labels[:, None]) * x).sum()
    # two classes share the slope: decay (s/2)^2 * 2 has the gradient decay * s
    assert gradient + decay * slope == pytest.approx(0, abs=1e-4)


def test_by_the_metric_of_the_config(tool, repository, tmp_path, capsys):
    """The regression tells six motions apart better than guessing; the majority is one class in six."""
    config, out = repository / 'configs/motionbert/action_procedural.py', tmp_path / 'metrics.json'
    motions = "['walk','wave','squat','jump','turn','bow']"
    given = ['model.heads.action.num_classes=6', 'test_evaluator.top_k=[1]']
    sizes = f'classes={motions}', 'n_sequences=60', 'n_frames=60'
    given += [f'{part}_dataloader.dataset.{size}' for part in ('train', 'test') for size in sizes]
    tool('analysis_tools/action_baselines').main([str(config), '--out', str(out), '--cfg-options', *given])
    majority, regression = json.loads(out.read_text()).values()
    assert set(majority) == {'top1', *(f'mean_class_accuracy{end}' for end in ('', '_low', '_high'))}
    assert majority['mean_class_accuracy'] == pytest.approx(100 / 6)
    assert regression['mean_class_accuracy'] > 35
    assert 'majority class: top1 16.7' in capsys.readouterr().out


def test_nearest_neighbour_of_an_embedding(tool, repository):
    """Six motions that training has not: above the one in six of guessing."""
    made = {'test_evaluator.ways': 6, 'test_evaluator.interval': None}
    for part in ('train', 'test'):
        made |= {f'{part}_dataloader.dataset.{name}': 48 for name in ('n_sequences', 'n_frames')}
    config = load_config(repository / 'configs/motionbert/oneshot_procedural.py', made)
    found = tool('analysis_tools/action_baselines').baselines(config)
    assert list(found) == ['nearest neighbour on velocities']
    figures = found['nearest neighbour on velocities']
    assert figures['chance'] == pytest.approx(100 / 6) and figures['few_shot_accuracy'] > 22


def test_other_models_are_named(tool, repository, fails):
    line = fails(tool('analysis_tools/action_baselines').main, repository / 'configs/motionbert/cmu_27.py')
    assert "heads ['pose'], expected one called action or embedding" in line

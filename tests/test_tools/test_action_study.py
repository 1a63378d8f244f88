"""The study of actions: its table against figures worked out by hand, its clips against the metric."""

import json

import numpy as np
import pytest

from poselifter.evaluation.metrics import ActionMetric

CLIPS = {'system': 'clips', 'config': 'action_cmu', 'seed': 0, 'clips': 'a/0 a/0 b/1 c/1'}


def entry(config, seed, hits, system='motionbert', **more):
    accuracy = 50 * (np.mean([int(h) for h in hits[:2]]) + np.mean([int(h) for h in hits[2:]])) if hits else 0
    given = {'hits': hits, 'mean_class_accuracy': accuracy} if hits else {}
    return {'system': system, 'config': config, 'seed': seed, **given, **more}


@pytest.fixture
def study(tool, repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / 'benchmarks'))
    return tool('../benchmarks/actions')


def rows(study, tmp_path, *entries):
    path = tmp_path / 'ledger.jsonl'
    path.write_text('\n'.join(map(json.dumps, entries)))
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in study.report(path).splitlines()[2:]]


def test_table(study, tmp_path):
    """Class 0 has two clips of subject a; class 1 one of b and one of c."""
    ends = {'mean_class_accuracy': 50.0, 'mean_class_accuracy_low': 30.0, 'mean_class_accuracy_high': 60.0}
    found = rows(
        study,
        tmp_path,
        CLIPS,
        entry('action_cmu', 0, '', 'majority class', **ends),
        *(entry('action_cmu_scratch', seed, hits) for seed, hits in enumerate(['1010', '1000', '1000'])),
        *(entry('action_cmu', seed, hits) for seed, hits in enumerate(['1111', '1111', '1011'])),
        entry('action_cmu_frozen', 0, '1010'),
        *(
            entry('oneshot_cmu' + form, 0, '', few_shot_accuracy=40 + len(form), chance=16.67)
            for form in ('', '_scratch')
        ),
    )
    assert found[0] == ['action_cmu', 'majority class', '1', '50.0', '30.0 to 60.0', '', '']
    # scratch: 50, 25, 25; tuned: 100, 100, 75. In a set of subjects class 0, if there, has 1 of 2; class 1 has 1/3 or 0
    assert found[1][:4] == ['action_cmu', 'from scratch', '3', '33.3 ± 14.4']
    low, high = map(float, found[1][4].split(' to '))
    assert (low, high) == (0, 50)  # c alone in 1 of 27 sets, a alone in 1 of 27
    assert found[2][3] == '91.7 ± 14.4' and found[2][5] == '+58.3 ± 14.4'
    low, high = map(float, found[2][6].split(' to '))
    assert (low, high) == (pytest.approx(100 / 3, abs=0.1), 100)  # a alone gains 5/6 - 1/2; c alone 1
    assert found[3][5:] == ['+0.0', '+0.0 to +0.0']  # beside the one seed that it has
    assert [row[1:4] for row in found[4:]] == [
        ['from scratch', '1', '48.0'],
        ['fine-tuned', '1', '40.0'],
        ['chance', '', '16.7'],
    ]
    assert found[5][5:] == ['-8.0', '']


def test_clips_agree_with_the_metric(study):
    """Windows in any order, several of a clip."""
    rng = np.random.default_rng(0)
    labels = {f'clip_{i:02d}': i % 3 for i in range(30)}
    samples = [
        {'sequence': name, 'subject': name[-1], 'action': label, 'pred_scores': rng.random(3) + 0.1 * np.eye(3)[label]}
        for name, label in labels.items()
        for _ in range(4)
    ]
    rng.shuffle(samples)
    metric = ActionMetric(top_k=[1], merge=True)
    metric.process(None, samples)
    found = study.tested_clips(samples)
    assert found['clips'].split() == [f'{name[-1]}/{label}' for name, label in labels.items()]
    hits = np.array(list(found['hits']), int)
    assert 100 * hits.mean() == pytest.approx(metric.compute_metrics(metric.results)['top1']) and 0 < hits.mean() < 1


def test_every_case_is_of_the_configs(study, repository):
    for system, cases in study.EPOCHS.items():
        for case in cases:
            assert case.partition('_')[0] in study.METRICS
            for form in study.FORMS.values():
                config = study.Run(system, case + form, 0).load()
                assert bool(config.get('pretrained_by')) == (form != '_scratch')
                assert bool(config.get('frozen_modules')) == (form == '_frozen')

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.evaluation.functional import bootstrap_interval, few_shot_accuracies
from poselifter.evaluation.metrics import ActionMetric, FewShotMetric
from poselifter.structures import MotionDataSample

from .conftest import evaluate


def sample(sequence, action, subject='a', **vectors):
    made = MotionDataSample(metainfo={'sequence': sequence, 'subject': subject})
    made.set_data({'action': torch.as_tensor(action)})
    made.set_data({key: torch.as_tensor(np.asarray(value, np.float32)) for key, value in vectors.items()})
    return made


def windows(key, rng, size):
    """Three classes, five clips each, two to four windows a clip."""
    rows = []
    for clip in range(15):
        vectors = rng.normal(size=(rng.integers(2, 5), size)) + 2 * np.eye(size)[clip % 3]
        rows += [sample(f'clip{clip}', clip % 3, f'subject{clip % 4}', **{key: vector}) for vector in vectors]
    return rows


@pytest.mark.parametrize(('metric', 'key'), [
    (lambda: ActionMetric(top_k=(1, 2), merge=True, interval='subject'), 'pred_scores'),
    (lambda: FewShotMetric(ways=2, episodes=5, interval='sequence'), 'pred_embedding'),
])  # fmt: skip
def test_order_and_batches_do_not_change_a_digit(metric, key, rng):
    rows = windows(key, rng, 4)
    expected = evaluate(metric(), rows, 3)
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    for order, batch in ((rows, 1), (rows[::-1], 7), (shuffled, len(rows))):
        assert evaluate(metric(), order, batch) == expected


def test_windows_of_a_clip_vote():
    """Alone two of three windows are wrong; their mean scores are right."""
    scores = [[0.9, 0.1], [0.4, 0.6], [0.45, 0.55]]
    rows = [sample('a', 0, pred_scores=score) for score in scores] + [sample('b', 1, pred_scores=[0.2, 0.8])]
    assert evaluate(ActionMetric(top_k=(1,)), rows, 4) == {'top1': 50.0, 'mean_class_accuracy': pytest.approx(200 / 3)}
    metric = ActionMetric(top_k=(1,), merge=True)
    assert evaluate(metric, rows, 4) == {'top1': 100.0, 'mean_class_accuracy': 100.0}
    assert metric.confusion.tolist() == [[1, 0], [0, 1]]


def test_bootstrap_draws_whole_groups():
    right = np.array([1.0, 1, 1, 0])
    rate = lambda rows: 100 * right[rows].mean()  # noqa: E731
    assert bootstrap_interval(['one'] * 4, rate) == (75, 75)
    assert bootstrap_interval(['a', 'a', 'a', 'b'], rate) == (0, 100)  # all of a, or all of b
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_interval(np.arange(400), lambda rows: values[rows].mean(), draws=4000)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.06)  # the normal interval of a mean
    assert low < values.mean() < high


def test_few_shot_by_hand():
    """Classes on axes of their own are always told apart; equal vectors are guessed, the first class each time."""
    labels = np.repeat([4, 7, 9], 4)
    assert (few_shot_accuracies(np.eye(3)[np.repeat(range(3), 4)], labels, ways=3) == 100).all()
    np.testing.assert_allclose(few_shot_accuracies(np.ones((12, 3)), labels, ways=3, shots=2), 100 / 3)
    noise = few_shot_accuracies(np.random.default_rng(0).normal(size=(400, 8)), np.repeat(range(10), 40), ways=4)
    assert noise.mean() == pytest.approx(25, abs=1.5)


def test_copies_of_a_clip_do_not_recognise_it(rng):
    """Noise cannot be told apart; its copies can, unless they are named as such."""
    rows, labels = np.tile(np.arange(16), 5), np.arange(16) % 4
    noise = rng.normal(size=(16, 16))
    assert few_shot_accuracies(noise[rows], labels[rows], ways=4).mean() > 35
    named = few_shot_accuracies(noise[rows], labels[rows], ways=4, ids=rows).mean()
    assert named == pytest.approx(few_shot_accuracies(noise, labels, ways=4).mean(), abs=4)


def test_few_shot_interval_is_as_wide_as_sets_of_other_subjects_differ():
    draws = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        vectors = 1.2 * np.eye(3)[np.arange(60) % 3] + rng.normal(size=(60, 3))
        rows = [sample(f'{i:02d}', i % 3, f's{i}', pred_embedding=vector) for i, vector in enumerate(vectors)]
        draws.append(evaluate(FewShotMetric(ways=3, episodes=20, interval=None if seed else 'subject'), rows, 60))
    others = [found['few_shot_accuracy'] for found in draws]
    low, high = (draws[0][f'few_shot_accuracy_{end}'] for end in ('low', 'high'))
    assert low < others[0] < high
    assert (high - low) / 3.92 == pytest.approx(np.std(others), rel=0.5)


def test_bad_episodes_are_named():
    with pytest.raises(InputError, match='5 ways and 1 shots in 200 episodes, but 2 classes have more than 1 clips'):
        few_shot_accuracies(np.ones((6, 2)), [0, 0, 1, 1, 2, 3])
    with pytest.raises(InputError, match='the sample has no pred_embedding'):
        FewShotMetric().process(None, [sample('a', 1)])

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.evaluation.functional import confusion_matrix, mean_class_accuracy, nearest_exemplar, top_k_accuracy
from poselifter.evaluation.metrics import ActionMetric, OneShotMetric
from poselifter.structures import MotionDataSample

from .conftest import evaluate


def _clip(name='clip', **data):
    sample = MotionDataSample(metainfo={'sequence': name})
    sample.set_data({key: torch.as_tensor(value) for key, value in data.items()})
    return sample


def test_top_k_of_motionbert(parity):
    case = parity('motionbert/functions/topk_accuracy')
    for k in (1, 5):
        expected = float(case[f'top{k}'])
        assert top_k_accuracy(case['logits'], case['target'], k) == pytest.approx(expected, rel=1e-6)
    samples = [_clip(pred_scores=s, action=int(t)) for s, t in zip(case['logits'], case['target'], strict=True)]
    figures = evaluate(ActionMetric(), samples, 4)
    assert [figures['top1'], figures['top5']] == pytest.approx([float(case['top1']), float(case['top5'])], rel=1e-6)


def test_one_shot_of_motionbert(parity):
    case = parity('motionbert/functions/oneshot_1nn')
    classes = case['exemplar_labels'][nearest_exemplar(torch.from_numpy(case['test']), case['exemplars'])]
    np.testing.assert_array_equal(classes, case['pred'])
    assert (classes == case['test_labels']).mean() == pytest.approx(float(case['accuracy']), rel=1e-6)


def test_one_shot_metric_finds_its_exemplars_among_the_clips(parity):
    case = parity('motionbert/functions/oneshot_1nn')
    parts = [('exemplars', 'exemplar_labels', True), ('test', 'test_labels', False)]
    samples = [
        _clip(pred_embedding=vector, action=int(label), exemplar=exemplar)
        for vectors, labels, exemplar in parts
        for vector, label in zip(case[vectors], case[labels], strict=True)
    ]
    recalls = [100 * (case['pred'] == c)[case['test_labels'] == c].mean() for c in np.unique(case['test_labels'])]
    for order, batch in ((samples, 7), (samples[::-1], 80)):
        figures = evaluate(OneShotMetric(), order, batch)
        assert figures['one_shot_accuracy'] == pytest.approx(100 * float(case['accuracy']), rel=1e-6)
        assert figures['mean_class_accuracy'] == pytest.approx(np.mean(recalls))


def test_confusion_and_mean_class_accuracy(tmp_path):
    labels, predicted = [0, 0, 0, 2, 2, 3], [0, 0, 2, 2, 3, 3]
    matrix = [[2, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    assert confusion_matrix(predicted, labels, 4).tolist() == matrix
    assert mean_class_accuracy(predicted, labels) == pytest.approx(100 * (2 / 3 + 1 / 2 + 1) / 3)
    metric = ActionMetric(confusion_file=str(tmp_path / 'confusion.csv'))
    samples = [_clip(pred_scores=np.eye(4)[p], action=a) for p, a in zip(predicted, labels, strict=True)]
    figures = evaluate(metric, samples, 4)
    assert metric.confusion.tolist() == matrix
    assert np.loadtxt(tmp_path / 'confusion.csv', delimiter=',', dtype=int).tolist() == matrix
    assert figures['top1'] == pytest.approx(100 * 4 / 6) and figures['top5'] == 100
    assert evaluate(ActionMetric(), samples[::-1], 1) == figures


def test_equal_scores_do_not_count_as_right():
    assert top_k_accuracy(np.zeros((5, 5)), np.arange(5)) == 20
    assert top_k_accuracy(np.zeros((5, 5)), np.arange(5), k=3) == 60


def test_bad_input_is_named():
    with pytest.raises(InputError, match='expected classes 0 to 3'):
        top_k_accuracy(np.zeros((2, 4)), [0, 4])
    with pytest.raises(InputError, match=r'labels \(3,\)'):
        top_k_accuracy(np.zeros((2, 4)), [0, 1, 2])
    with pytest.raises(InputError, match='expected pairs below 3'):
        confusion_matrix([0, 1], [0, 3], 3)
    with pytest.raises(InputError, match=r'exemplars \(3, 5\)'):
        nearest_exemplar(np.zeros((2, 4)), np.zeros((3, 5)))
    with pytest.raises(InputError, match='a: the sample has no pred_scores; ActionMetric needs it'):
        ActionMetric().process(None, [_clip('a', action=1)])
    with pytest.raises(InputError, match='saw no clip'):
        ActionMetric().compute_metrics([])
    clips = [_clip(action=a, pred_embedding=[1.0], exemplar=e) for a, e in ((1, True), (1, False), (2, False))]
    with pytest.raises(InputError, match=r'2 clips to recognise, and no exemplar of the classes \[2\]'):
        evaluate(OneShotMetric(), clips)

import pytest
import torch

from poselifter.errors import InputError
from poselifter.evaluation.functional import evaluate_mesh
from poselifter.evaluation.metrics import MeshMetric
from poselifter.structures import MotionDataSample

from .conftest import evaluate

LABELS = {
    'mpve': 'MPVE', 'mpjpe': 'MPJPE', 'pa_mpjpe': 'PA-MPJPE', 'mpjpe_17': 'MPJPE-17', 'pa_mpjpe_17': 'PA-MPJPE-17',
}  # fmt: skip


@pytest.fixture
def make_body(rng):
    """Made-up sequences with few vertices, in metres."""

    def make(frames=9, **facts):
        target = rng.normal(size=(frames, 17, 3)), rng.normal(size=(frames, 30, 3))
        pred = [t + rng.normal(scale=0.1, size=t.shape) for t in target]
        sample = MotionDataSample(metainfo={'sequence': 'clip', 'action_name': 'walk', **facts})
        arrays = dict(
            zip(('pred_keypoints_3d', 'pred_vertices', 'lifting_target', 'vertices'), (*pred, *target), strict=True)
        )
        sample.set_data({key: torch.from_numpy(value) for key, value in arrays.items()})
        return sample

    return make


def test_motionbert(parity):
    case = parity('motionbert/functions/evaluate_mesh')
    bodies = [case[key] for key in ('verts', 'verts_gt', 'kp_3d', 'kp_3d_gt')]
    names = {'mpjpe_17': 'mpjpe_17j', 'pa_mpjpe_17': 'pa_mpjpe_17j'}
    for name, value in evaluate_mesh(*bodies).items():
        assert value == pytest.approx(float(case[f'out_{names.get(name, name)}']), rel=1e-6)
    keys = ('pred_vertices', 'vertices', 'pred_keypoints_3d', 'lifting_target')
    sample = {key: body[0] / 1000 for key, body in zip(keys, bodies, strict=True)}
    figures = evaluate(MeshMetric(), [sample])
    for name, label in LABELS.items():
        assert figures[label] == pytest.approx(float(case[f'out_{names.get(name, name)}']), rel=1e-6)


def test_where_a_body_stands_does_not_matter(make_body):
    sample, moved = make_body(), make_body()
    for key in sample.keys():
        offset = torch.tensor([1.0, 2.0, 5.0]) if key.startswith('pred_') else torch.tensor([-3.0, 0.0, 1.0])
        moved.set_data({key: sample.get(key) + offset})
    assert evaluate(MeshMetric(), [moved]) == pytest.approx(evaluate(MeshMetric(), [sample]))


def test_all_frames_alike_in_any_batch(make_body):
    samples = [make_body(frames) for frames in (3, 200, 12)]
    expected = evaluate(MeshMetric(), samples)
    assert evaluate(MeshMetric(), samples[::-1], 3) == expected
    joined = MotionDataSample(metainfo={'action_name': 'walk'})
    joined.set_data({key: torch.cat([s.get(key) for s in samples]) for key in samples[0].keys()})
    assert evaluate(MeshMetric(), [joined]) == pytest.approx(expected)


def test_unlabelled_and_repeated_frames(make_body):
    sample, part = make_body(9), make_body(5)
    part.set_data({key: sample.get(key)[:5] for key in sample.keys()})
    weighted = sample.clone()
    weighted.smpl_weight = torch.tensor([1.0] * 5 + [0] * 4)
    assert evaluate(MeshMetric(), [weighted]) == pytest.approx(evaluate(MeshMetric(), [part]))
    twice = part.clone()
    order = torch.tensor([0, 1, 2, 3, 4, 2, 3])
    twice.set_data({key: part.get(key)[order] for key in ('pred_vertices', 'pred_keypoints_3d')})
    twice.pred_frames = order
    assert evaluate(MeshMetric(), [twice]) == pytest.approx(evaluate(MeshMetric(), [part]))


def test_bad_samples_are_named(make_body):
    sample = make_body()
    sample.vertices = sample.vertices[:, :20]
    with pytest.raises(InputError, match='clip: pred has shape'):
        evaluate(MeshMetric(), [sample])
    del sample.vertices
    with pytest.raises(InputError, match='clip: the sample has no vertices; MeshMetric needs'):
        evaluate(MeshMetric(), [sample])


def test_the_paper_s_counting_is_of_whole_clips_side_by_side(make_body):
    """Clips of 16 of 40 frames: the third, which ends with the sequence, does not count; nor a short sequence."""
    sample = make_body(40)
    part = make_body(32)
    part.set_data({key: sample.get(key)[:32] for key in sample.keys()})
    frames = torch.tensor([*range(32), *range(24, 40)])
    sample.set_data({key: sample.get(key)[frames] for key in ('pred_vertices', 'pred_keypoints_3d')})
    sample.pred_frames = frames
    sample.pred_vertices[32:] += 9
    found = evaluate(MeshMetric(protocol='motionbert'), [sample, make_body(15)])
    plain = evaluate(MeshMetric(), [part])
    assert {key: found[f'motionbert/{key}'] for key in plain} == pytest.approx(plain)
    assert set(MeshMetric().reports) <= set(plain)
    with pytest.raises(InputError, match="protocol is 'mixste', expected 'clean' or 'motionbert'"):
        MeshMetric(protocol='mixste')

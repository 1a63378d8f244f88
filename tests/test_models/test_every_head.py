"""What every registered head promises; a new one is tested on the day it is registered."""

import inspect

import pytest
import torch
from tiny_parts import randomised
from toy_smpl import toy_smpl

from poselifter.errors import InputError
from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.estimators import MotionEstimator
from poselifter.models.parts import BaseHead, build_part
from poselifter.registry import MODELS
from poselifter.structures import MotionDataSample

NAMES = sorted(name for name, cls in MODELS.module_dict.items() if inspect.isclass(cls) and issubclass(cls, BaseHead))
BATCH, PERSONS, FRAMES, JOINTS, DIMS = 3, 2, 5, 17, 8
SIZES = {'in_channels': DIMS, 'num_frames': FRAMES, 'num_joints': JOINTS, 'embed_dims': DIMS, 'text_channels': 6}
EXTRA = {
    'AnyBodyHead': {'hidden_dims': 6},
    'ActionEmbeddingHead': {'hidden_dims': 6}, 'ActionHead': {'hidden_dims': 6, 'num_classes': 4},
    'MaskedPoseHead': {'depth': 1, 'feedforward_dims': 12, 'num_heads': 2}, 'MeshHead': {'hidden_dims': 6},
    'MeshRefineHead': {'hidden_dims': 6}, 'PoseRefiner': {'hidden_dims': 6}, 'TextMotionHead': {'embed_dims': 4},
}  # fmt: skip
FEATURES = {'clip': (BATCH, PERSONS, FRAMES, JOINTS, DIMS), 'poses': (BATCH, FRAMES, JOINTS, 3)}
MM = ('verts', 'kp_3d')  # results in millimetres
# pretrainers have heads of their own: of visible frames, and of a clip's token
OWN = {'MaskedPoseHead': (BATCH, 3, 1, DIMS), 'TextMotionHead': (BATCH, 1, JOINTS, DIMS)}


def config(kind):
    """A tiny head; bodies are made up."""
    body = {}
    if MODELS.get(kind).reads == 'body':
        pytest.importorskip('smplx', reason='body models need smplx')
        body = {'body_model': toy_smpl()}
    return {'type': kind, **EXTRA.get(kind, {}), **body}


@pytest.fixture(params=NAMES)
def head(request):
    """A tiny head with random weights everywhere, in eval mode."""
    torch.manual_seed(0)
    return randomised(build_part(config(request.param), BaseHead, SIZES))


def random(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def features_of(head):
    frames = (BATCH, FRAMES, JOINTS, DIMS)
    return random(*OWN.get(type(head).__name__, FEATURES.get(head.reads, frames)))


def samples(rows=slice(None)):
    """A stacked sample with everything that some head reads."""
    poses, depth = random(BATCH, FRAMES, JOINTS, 3, seed=2), torch.tensor([0, 0, 4.0])
    fields = {
        'target': poses - poses[:, :, :1],
        'target_weight': torch.ones(BATCH, FRAMES, JOINTS),
        'lifting_target': poses * 0.3 + depth,
        'inputs': random(BATCH, FRAMES, JOINTS, 2, seed=3),
        'target_2d': random(BATCH, FRAMES, JOINTS, 2, seed=4),
        'target_2d_weight': torch.ones(BATCH, FRAMES, JOINTS),
        'frame_order': torch.stack([torch.tensor([4, 0, 2, 1, 3])] * BATCH),
        'action': torch.tensor([1, 0, 1]),
        'present': torch.tensor([[True, False], [True, True], [True, True]]),
        'smpl_pose': 0.3 * random(BATCH, FRAMES, 72, seed=5),
        'smpl_shape': random(BATCH, FRAMES, 10, seed=6),
        'initial_pose': 0.3 * random(BATCH, FRAMES, 72, seed=7),
        'initial_shape': random(BATCH, FRAMES, 10, seed=8),
        'body_rotations': axis_angle_to_matrix(0.3 * random(BATCH, FRAMES, 20, 3, seed=10)),
        'body_shape': random(BATCH, 10, seed=11),
        'text_table': torch.tensor([[0, 2], [1, 3], [3, 0]]),
        'text_target': torch.tensor([[1.0, 0], [0.5, 0.5], [1, 0]]),
    }
    camera = {'focal': (1100.0, 1150.0), 'centre': (500.0, 510.0)}
    made = MotionDataSample(metainfo={'camera_param': [camera] * BATCH, 'img_shape': [(1002, 1000)] * BATCH})
    made.set_data({key: value[rows] for key, value in fields.items()})
    made.set_metainfo({key: made.get(key)[rows] for key in ('camera_param', 'img_shape')})
    made.text_features = random(4, 6, seed=9)
    return made


def test_the_known_ones_are_there():
    assert {*EXTRA, 'PoseHead'} <= set(NAMES)


def test_declaration(head):
    assert head.reads in ('frames', 'clip', 'body', 'poses')
    assert head.label in samples() and set(head.needs) <= {*samples().all_keys()}
    assert head.predicts and all(name.startswith('pred_') for name in head.predicts)
    assert set(head.wants) <= set(SIZES) and isinstance(head.feature, str)


def test_losses_train_every_parameter(head):
    head.train()
    for module in head.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    losses = head.loss(features_of(head).requires_grad_(), samples())
    assert losses and all(name.startswith('loss_') and loss.ndim == 0 and loss > 0 for name, loss in losses.items())
    sum(losses.values()).backward()
    trained = {name: p for name, p in head.named_parameters() if p.requires_grad}
    assert all('unused' in name for name in dict(head.named_parameters()).keys() - trained.keys())
    for name, parameter in trained.items():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_predictions_of_a_batch_are_finite_and_independent(head):
    features = features_of(head)
    together, alone = head.predict(features, samples()), head.predict(features[1:], samples(slice(1, None)))
    assert head.reads == 'body' or set(together) == set(head.predicts)
    for key, value in together.items():
        assert len(value) == BATCH and value.isfinite().all()
        torch.testing.assert_close(value[1:], alone[key], msg=key, rtol=1e-4, atol=1e-2 if key in MM else 1e-5)


def test_the_same_loss_twice_is_refused(head):
    kind = type(head).__name__
    with pytest.raises(InputError, match=rf"{kind} got the losses \['mpjpe', 'mpjpe'\], expected each once"):
        build_part({**config(kind), 'losses': [{'type': 'MPJPELoss'}] * 2}, BaseHead, SIZES)


def estimator(head):
    """One with this head on a tiny backbone, beside the poses that it reads."""
    torch.manual_seed(0)
    kind = type(head).__name__
    pose = {'pose': {'type': 'PoseHead'}} if head.reads in ('poses', 'clip') else {}
    backbone = {'type': 'MixSTE', 'num_frames': FRAMES, 'embed_dims': DIMS, 'depth': 1, 'num_heads': 2}
    heads = {**pose, ('it' if pose or head.reads == 'body' else 'pose'): config(kind)}
    return MotionEstimator(backbone, heads, {'type': 'RootRelativeLifting'}).eval()


@pytest.mark.parametrize('whole', [True, False])
def test_a_sequence_gets_what_the_head_predicts(head, whole):
    if type(head).__name__ in OWN or (head.reads != 'clip' and whole):
        return
    model, frames = estimator(head), FRAMES if whole else 2 * FRAMES + 1
    if whole:
        del model.heads['pose']
        model.whole_clips = True
    sample, before = MotionDataSample(), {'camera_param', 'img_shape'}
    for key in ('inputs', 'lifting_target', 'initial_pose', 'initial_shape'):
        value = samples().get(key).flatten(0, 1)[:frames]
        sample.set_data({key: value})
    sample.set_metainfo({key: samples().get(key)[0] for key in before})
    before |= set(sample.keys())
    with torch.no_grad():
        [result] = model([random(frames, JOINTS, 2)], [sample], mode='predict')
    expected = {*head.predicts, *([] if whole else ['pred_keypoints_3d'])}
    assert set(result.keys()) - before == expected
    for name in expected:
        assert result.get(name).isfinite().all() and (head.reads == 'clip' or len(result.get(name)) == frames)


def test_a_batch_without_the_label_is_no_task(head):
    if type(head).__name__ in OWN:
        return
    model, x, labelled = estimator(head), random(BATCH, FRAMES, JOINTS, 2), samples()
    prefix = f'{list(model.heads)[-1]}.' if len(model.heads) > 1 else 'loss_'

    def losses(data_samples):
        return [key for key in model(x, data_samples, mode='loss') if key.startswith(prefix)]

    assert losses(labelled)
    labelled.pop(head.label)
    assert not losses(labelled)


class Alien(torch.nn.Module):
    """No head."""


@pytest.mark.parametrize('kind', [Alien, 'MPJPELoss', 'Nobody'])
def test_what_is_no_head_is_named(kind):
    expected = 'where a BaseHead is expected; derive it from poselifter.models.parts.BaseHead'
    with pytest.raises(InputError, match="registered as 'Nobody'" if kind == 'Nobody' else expected):
        build_part({'type': kind}, BaseHead, SIZES)

"""What every registered backbone promises; a new one is tested on the day it is registered."""

import inspect

import pytest
import torch
from tiny_parts import BACKBONES, SMALL

from poselifter.errors import InputError
from poselifter.models.backbones import ActionPose, BaseBackbone, TemporalConvNet
from poselifter.registry import MODELS

NAMES = sorted(
    name for name, cls in MODELS.module_dict.items() if inspect.isclass(cls) and issubclass(cls, BaseBackbone)
)
FRAMES, JOINTS, CHANNELS, DEPTH = 6, 5, 3, 2
SIZE = {'num_frames': FRAMES, 'num_joints': JOINTS, 'in_channels': CHANNELS}
TREE = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4)]
EXTRA = {
    **BACKBONES,
    'MotionAGFormer': {**BACKBONES['MotionAGFormer'], 'edges': TREE},
    'TemporalConvNet': {**BACKBONES['TemporalConvNet'], 'filter_widths': [3, 3, 1], 'pad': True},
}


@pytest.fixture(params=NAMES)
def backbone(request):
    """A tiny backbone with random weights everywhere."""
    torch.manual_seed(0)
    net = MODELS.build({'type': request.param, **SIZE, **EXTRA.get(request.param, SMALL)})
    for parameter in net.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.2)
    return net


@pytest.fixture
def x():
    """Two clips."""
    return torch.randn(2, FRAMES, JOINTS, CHANNELS, generator=torch.Generator().manual_seed(1))


def test_the_known_ones_are_there():
    assert set(EXTRA) <= set(NAMES)


def test_shape_and_finite(backbone, x):
    before = x.clone()
    features = backbone(x)
    assert features.shape[0] == 2
    assert features.shape[1] == len(backbone.output_frames(FRAMES))
    assert features.shape[2] in (1, JOINTS)
    assert features.shape[3] == backbone.embed_dims
    assert features.isfinite().all()
    assert torch.equal(x, before)


def test_forward_is_encode_after_embed(backbone, x):
    backbone.eval()
    assert torch.equal(backbone(x), backbone.encode(backbone.embed(x)))


def test_layers_are_returned(backbone, x):
    backbone.eval()
    features, layers = backbone.encode(backbone.embed(x), return_layers=True)
    assert torch.equal(features, backbone(x))
    assert len(layers) == DEPTH
    assert all(layer.ndim == 4 and layer.isfinite().all() for layer in layers)


def test_gradient_reaches_every_parameter(backbone, x):
    backbone(x).square().sum().backward()
    trained = {name: p for name, p in backbone.named_parameters() if p.requires_grad}
    assert all('unused' in name for name in dict(backbone.named_parameters()).keys() - trained.keys())
    for name, parameter in trained.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_every_parameter_has_a_layer(backbone):
    depths = {name: backbone.layer_of(name) for name, _ in backbone.named_parameters()}
    assert {None, *range(backbone.num_layers)} <= set(depths.values()) <= {None, *range(backbone.num_layers + 1)}
    assert backbone.num_layers >= DEPTH
    ends = [name for name, depth in depths.items() if depth == backbone.num_layers]
    assert all('norm' in name or 'representation' in name for name in ends)


def test_parameters_of_single_joints_are_named(backbone):
    rows = {name for name, p in backbone.named_parameters() if p.ndim >= 3 and p.shape[-2] == JOINTS}
    assert rows == set(backbone.per_joint) & dict(backbone.named_parameters()).keys()


def test_a_token_stands_for_the_clip(backbone, x):
    """The mean of the frames that are there, or a class token; padding has no part in it."""

    def token(x, valid=None):
        features, layers = backbone.encode(backbone.embed(x), valid, return_layers=True)
        return backbone.clip_token(features, layers, valid)

    backbone.eval()
    assert token(x).shape == (2, 1, backbone.num_tokens, backbone.token_dims)
    if not isinstance(backbone, ActionPose):
        torch.testing.assert_close(token(x), backbone(x).mean(1, keepdim=True))
    valid = torch.ones(2, FRAMES, dtype=torch.bool)
    valid[0, 4:] = False
    torch.testing.assert_close(token(x, valid)[0], token(x[:1, :4])[0])
    torch.testing.assert_close(token(x, valid)[1], token(x)[1])


def test_a_bare_encoder_returns_its_last_layer(backbone, x):
    options = {**SIZE, **EXTRA.get(type(backbone).__name__, SMALL), **backbone.pretraining_options}
    bare = MODELS.build({'type': type(backbone).__name__, **options}).eval()
    assert bare.embed(x).shape[1] == FRAMES and bare(x).shape[2:] == (bare.num_tokens, bare.embed_dims)


def test_clips_of_a_batch_are_independent(backbone, x):
    backbone.eval()
    torch.testing.assert_close(backbone(x)[1:], backbone(x[1:]))


@pytest.mark.parametrize('frames', [1, 4])
def test_padding_equals_a_shorter_clip(backbone, x, frames):
    backbone.eval()
    valid = torch.ones(2, FRAMES, dtype=torch.bool)
    valid[0, frames:] = False
    padded = backbone(x, valid)
    torch.testing.assert_close(padded[0, :frames], backbone(x[:1, :frames])[0])
    torch.testing.assert_close(padded[1], backbone(x)[1])
    changed = x.clone()
    changed[0, frames:] = 7.0
    assert torch.equal(backbone(changed, valid)[0, :frames], padded[0, :frames])


def test_an_empty_clip_stays_finite(backbone, x):
    features = backbone(x, torch.zeros(2, FRAMES, dtype=torch.bool))
    features.sum().backward()
    assert features.isfinite().all()
    assert all(p.grad.isfinite().all() for p in backbone.parameters() if p.requires_grad)


@pytest.mark.parametrize('shape', [
    (2, FRAMES + 1, JOINTS, CHANNELS),
    (2, 0, JOINTS, CHANNELS),
    (2, FRAMES, JOINTS + 1, CHANNELS),
    (2, FRAMES, JOINTS, CHANNELS - 1),
    (FRAMES, JOINTS, CHANNELS),
])  # fmt: skip
def test_wrong_shapes_are_named(backbone, shape):
    if isinstance(backbone, TemporalConvNet) and shape[1:] == (FRAMES + 1, JOINTS, CHANNELS):
        return  # it takes any length
    with pytest.raises(InputError, match=r'got an input of shape .* expected \(B, T, 5, 3\) with T') as error:
        backbone(torch.zeros(shape))
    assert str(tuple(shape)) in str(error.value)


def test_gradient_by_finite_differences(backbone):
    backbone.double().eval()
    x = torch.randn(1, 3, JOINTS, CHANNELS, dtype=torch.float64, requires_grad=True)
    valid = torch.tensor([[True, True, False]])
    assert torch.autograd.gradcheck(lambda x: backbone(x, valid), x, fast_mode=True)
    assert torch.autograd.gradcheck(backbone, x, fast_mode=True)


def test_bfloat16_autocast_is_near(backbone, x):
    backbone.eval()
    expected = backbone(x)
    with torch.autocast('cpu', torch.bfloat16):
        found = backbone(x)
    assert (found.float() - expected).abs().mean() < 0.05 * expected.abs().mean()

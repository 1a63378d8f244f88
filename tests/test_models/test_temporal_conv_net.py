from functools import partial

import pytest
import torch
from tiny_parts import random_clips, tiny_part
from torch import nn

from poselifter.errors import InputError
from poselifter.models.backbones import TemporalConvNet

WIDTHS = [[3, 3, 3], [5, 3], [3, 5, 1], [7]]


tiny = partial(tiny_part, 'TemporalConvNet', num_joints=3)


def clip(frames, seed=1):
    return random_clips(2, frames, 3, 2, seed=seed)


def test_initialisation_and_dropout():
    torch.manual_seed(0)
    net = TemporalConvNet(num_joints=17, embed_dims=64, filter_widths=[3, 3])
    for conv in (net.first_conv, *net.convs):  # torch's default: uniform in 1 / sqrt(inputs)
        bound = (conv.in_channels * conv.kernel_size[0]) ** -0.5
        assert conv.bias is None
        assert conv.weight.abs().max() <= bound
        assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert {(m.momentum, m.eps) for m in net.modules() if isinstance(m, nn.BatchNorm1d)} == {(0.1, 1e-5)}
    assert [m.p for m in net.modules() if isinstance(m, nn.Dropout)] == [0.25]
    calls = []
    net.act[1].register_forward_hook(lambda *_: calls.append(1))
    net(torch.randn(2, 9, 17, 2))
    assert len(calls) == 3  # after every activation


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('widths', WIDTHS)
def test_strided_form_gives_the_same_with_the_same_weights(widths, causal):
    dilated, strided = (tiny(filter_widths=widths, causal=causal, strided=strided) for strided in (False, True))
    strided.load_state_dict(dilated.state_dict())
    x = clip(dilated.field + 2)
    expected = dilated(x)
    for start in range(3):
        window = strided(x[:, start : start + dilated.field])
        torch.testing.assert_close(window, expected[:, start : start + 1])
    assert torch.equal(strided.output_frames(strided.field), dilated.output_frames(strided.field))


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('frames', [1, 5, 30])
def test_pad_repeats_the_edges(causal, frames):
    plain, padded = tiny(causal=causal), tiny(causal=causal, pad=True)
    x = clip(frames)
    before, after = (26, 0) if causal else (13, 13)
    edges = torch.cat([x[:, :1]] * before + [x] + [x[:, -1:]] * after, 1)
    features = padded(x)
    assert features.shape == (2, frames, 1, 6)
    torch.testing.assert_close(features, plain(edges))
    assert padded.output_frames(frames).tolist() == list(range(frames))


def test_invalid_frames_repeat_the_nearest_valid_one():
    net, x = tiny(pad=True), clip(12)
    valid = torch.ones(2, 12, dtype=torch.bool)
    valid[0, :3] = valid[0, 9:] = False
    features = net(x, valid)
    torch.testing.assert_close(features[0, 3:9], net(x[:1, 3:9])[0])
    torch.testing.assert_close(features[1], net(x)[1])
    net, x = tiny(), clip(27)  # without pad, too
    valid = torch.arange(27).expand(2, -1) < 20
    torch.testing.assert_close(net(x, valid), net(torch.cat([x[:, :20]] + [x[:, 19:20]] * 7, 1)))


def test_layers_are_the_blocks():
    net = tiny()
    features, layers = net.encode(net.embed(clip(29)), return_layers=True)
    assert [layer.shape for layer in layers] == [(2, 21, 1, 6), (2, 3, 1, 6)]
    assert torch.equal(layers[-1], features)


@pytest.mark.parametrize(
    'wrong',
    [{'filter_widths': widths} for widths in ([3, 4], [], [-3])]
    + [{'strided': True, 'dense': True}, {'strided': True, 'pad': True}],
)
def test_impossible_arrangements_are_named(wrong):
    with pytest.raises(InputError, match=r'expected odd widths, and strided with neither dense nor pad'):
        TemporalConvNet(**{'embed_dims': 4, **wrong})


def test_too_short_clips_are_named():
    with pytest.raises(InputError, match='num_frames=26, expected at least the 27'):
        tiny(num_frames=26)
    assert tiny(num_frames=26, pad=True)(clip(26)).shape == (2, 26, 1, 6)
    with pytest.raises(InputError, match='T at least 27'):
        tiny()(clip(26))
    longer = clip(28)
    dilated, strided = tiny().eval(), tiny(strided=True).eval()
    strided.load_state_dict(dilated.state_dict())
    assert torch.equal(strided(longer), dilated(longer))  # it strides in clips of the field alone

from functools import partial

import pytest
import torch
from tiny_parts import tiny_part

from poselifter.errors import InputError
from poselifter.models import create_model
from poselifter.models.layers import Attention
from poselifter.models.necks import ManyToOneAggregator, WeightedFrameMean
from poselifter.models.necks.many_to_one import STRIDES

tiny = partial(tiny_part, 'ManyToOneAggregator', embed_dims=8, feedforward_dims=12, num_heads=2)


def test_weighted_mean_equals_official(parity):
    case = parity('poseformer/functions').functions('weighted_mean')
    neck = WeightedFrameMean(34, 9)
    neck.load_state_dict({'conv.weight': case['weight'], 'conv.bias': case['bias']})
    out = neck(case['x'].unsqueeze(2))
    torch.testing.assert_close(out.squeeze(2), case['out'], rtol=1e-6, atol=1e-6)
    assert neck.output_frames(torch.arange(9)).tolist() == [4]


@pytest.mark.parametrize('frames', STRIDES)
def test_released_strides_end_at_one_frame(frames):
    neck = tiny(num_frames=frames, embed_dims=4, feedforward_dims=4, num_heads=1)
    strides = {9: [1, 3, 3], 27: [3] * 3, 81: [3] * 4, 243: [3] * 5, 351: [3, 9, 13]}[frames]
    assert [layer.stride for layer in neck.layers] == strides
    assert {layer.conv2.kernel_size for layer in neck.layers} == {(3,)}
    found = neck(torch.randn(1, frames, 1, 4, dtype=torch.float64))
    assert found['single'].shape == (1, 1, 1, 4)
    assert neck.output_frames(torch.arange(frames))['single'].tolist() == [frames // 2]
    assert neck.output_frames(torch.arange(frames))['sequence'].tolist() == list(range(frames))


@pytest.mark.parametrize(('frames', 'strides', 'message'), [
    (27, (3, 3), r'strides \[3, 3\] leave 3 of 27 frames'),
    (28, (3, 3, 3), r'leave 2 of 28 frames'),
    (100, None, r'strides \[\] leave 100 of 100 frames.*released ones exist for \[9, 27, 81, 243, 351\]'),
])  # fmt: skip
def test_strides_that_do_not_end_at_one_frame_are_named(frames, strides, message):
    with pytest.raises(InputError, match=message):
        ManyToOneAggregator(8, frames, num_heads=2, strides=strides)


def test_initialisation_dropout_and_the_unused_norm():
    torch.manual_seed(0)
    neck = ManyToOneAggregator(64, 27, drop_rate=0.3)
    for embedding in neck.embeddings:
        assert embedding.weight.std().item() == pytest.approx(1, rel=0.1)
    rates = {m.p for m in neck.modules() if isinstance(m, torch.nn.Dropout)}
    rates |= {m.attn_drop for m in neck.modules() if isinstance(m, Attention)}
    assert rates == {0.3}
    assert sum(isinstance(m, torch.nn.Dropout) for m in neck.modules()) == 2 * 3
    neck.eval()
    x = torch.randn(1, 27, 1, 64)
    before = neck(x)['single']
    neck.unused_norm.weight.data.fill_(7)
    assert torch.equal(neck(x)['single'], before)
    assert not any(p.requires_grad for p in neck.unused_norm.parameters())


def test_without_the_aggregator_every_frame_has_an_output():
    heads = {'sequence': None, 'pose': {'feature': 'features'}}
    model = create_model('pstmo_s_9', embed_dims=16, neck=None, heads=heads).eval()
    assert model(torch.randn(2, 9, 17, 2)).shape == (2, 9, 17, 3)
    assert model.output_frames(9)['features'].tolist() == list(range(9))


def test_a_head_that_reads_what_is_not_there_is_named():
    with pytest.raises(InputError, match=r"the head 'pose' reads 'single', expected a feature of \['features'\]"):
        create_model('pstmo_s_9', embed_dims=16, neck=None, heads={'sequence': None})


@pytest.mark.parametrize('neck', [ManyToOneAggregator, WeightedFrameMean])
@pytest.mark.parametrize('shape', [(2, 8, 1, 16), (2, 9, 1, 12), (2, 9, 16)])
def test_clips_of_another_length_are_refused(neck, shape):
    built = neck(embed_dims=16, num_frames=9)
    with pytest.raises(InputError, match=r'expected \(B, 9, 1, 16\)'):
        built(torch.zeros(shape))

"""P-STMO and VideoPose3D written down again, at sizes and with options that no parity case has."""

import math

import pytest
import torch
import torch.nn.functional as F
from official_layout import EXACT, State, attend, batch_norm, clip, linear, official

# P-STMO


def stmo_norm(s, key, x):
    return s[f'{key}.a_2'] * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + s[f'{key}.b_2']


def stmo_attention(s, key, x):
    y = stmo_norm(s, f'{key}.sublayer.0.norm', x)
    q, k, v = (linear(s, f'{key}.self_attn.linears.{i}', y) for i in range(3))
    return x + linear(s, f'{key}.self_attn.linears.3', attend(q, k, v, 8))


def stmo_layer(s, key, x):
    x = stmo_attention(s, key, x)
    y = stmo_norm(s, f'{key}.sublayer.1.norm', x)
    return x + linear(s, f'{key}.feed_forward.w_2', linear(s, f'{key}.feed_forward.w_1', y).relu())


def strided_layer(s, key, x, stride):
    x = stmo_attention(s, key, x)
    y = linear(s, f'{key}.feed_forward.w_1', stmo_norm(s, f'{key}.sublayer.1.norm', x)).relu()
    w_2 = f'{key}.feed_forward.w_2'
    y = F.conv1d(y.transpose(1, 2), s[f'{w_2}.weight'], s[f'{w_2}.bias'], stride, padding=1)
    return x[:, ::stride] + y.transpose(1, 2)


def frame_encoder(s, x):
    def block(linear_key, norm_key, x):
        return F.leaky_relu(batch_norm(s, norm_key, linear(s, linear_key, x)), 0.2)

    h = block('encoder.fc_1', 'encoder.bn_1', x.flatten(2))
    y = block('encoder.layers.0.w1', 'encoder.layers.0.batch_norm1', h)
    h = h + block('encoder.layers.0.w2', 'encoder.layers.0.batch_norm2', y)
    return linear(s, 'encoder.fc_2', h)


def stmo_layers(state, key, dim, hidden, count, kernels=None):
    for i in range(count):
        for part in range(4):
            state.linear(f'{key}.{i}.self_attn.linears.{part}', dim, dim)
        for part, (inner, outer) in enumerate(((dim, hidden), (hidden, dim))):
            kernel = () if kernels is None else (kernels[part],)
            state.linear(f'{key}.{i}.feed_forward.w_{part + 1}', inner, outer, *kernel)
            state.norm(f'{key}.{i}.sublayer.{part}.norm', dim, ('a_2', 'b_2'))
    state.norm(f'{key.removesuffix(".layers")}.norm', dim, ('a_2', 'b_2'))  # never applied


def stmo_state(frames, dim, hidden, layers):
    state = State()
    for key, inner, outer in (
        ('fc_1', 34, 2 * dim),
        ('layers.0.w1', 2 * dim, 2 * dim),
        ('layers.0.w2', 2 * dim, 2 * dim),
        ('fc_2', 2 * dim, dim),
    ):
        state.linear(f'encoder.{key}', inner, outer, 1)
    for key in ('bn_1', 'layers.0.batch_norm1', 'layers.0.batch_norm2'):
        state.batch_norm(f'encoder.{key}', 2 * dim)
    state.draw('Transformer.pos_embedding', 1, frames, dim)
    stmo_layers(state, 'Transformer.model.layers', dim, hidden, layers)
    return state


@pytest.mark.parametrize(('frames', 'strides', 'given'), [
    (243, [3, 3, 3, 3, 3], {}),
    (351, [3, 9, 13], {}),
    (9, [1, 3, 3], {}),
    (20, [2, 2, 5, 1], {'stride_num': [2, 2, 5, 1]}),
])  # fmt: skip
def test_stmo_second_stage(tmp_path, frames, strides, given):
    state = stmo_state(frames, 16, 20, 2)
    for i in (1, 2, 3):
        state.draw(f'Transformer_reduce.model.pos_embedding_{i}', 1, frames, 16)
    stmo_layers(state, 'Transformer_reduce.model.layers', 16, 20, len(strides), (1, 3))
    for key in ('fcn', 'fcn_1'):
        state.batch_norm(f'{key}.0', 16)
        state.linear(f'{key}.1', 16, 51, 1)
    s, x = state.double(), clip(2, frames, 17, 2)
    h = frame_encoder(s, x) + s['Transformer.pos_embedding']
    for i in range(2):
        h = stmo_layer(s, f'Transformer.model.layers.{i}', h)
    sequence = linear(s, 'fcn_1.1', batch_norm(s, 'fcn_1.0', h)).unflatten(-1, (17, 3))
    for i, stride in enumerate(strides):
        if i < 3:
            h = h + s[f'Transformer_reduce.model.pos_embedding_{i + 1}'][:, : h.shape[1]]
        h = strided_layer(s, f'Transformer_reduce.model.layers.{i}', h, stride)
    single = linear(s, 'fcn.1', batch_norm(s, 'fcn.0', h)).unflatten(-1, (17, 3))
    found = official(state, tmp_path, None, **given)(x)
    assert list(found) == ['output', 'output_seq'] and single.shape == (2, 1, 17, 3)
    torch.testing.assert_close(found['output'], single, **EXACT)
    torch.testing.assert_close(found['output_seq'], sequence, **EXACT)


@pytest.mark.parametrize('removed', ['none', 'all but one', 'every second'])
def test_stmo_first_stage(tmp_path, removed):
    frames, dim, hidden, layers = 12, 32, 20, 3
    state = stmo_state(frames, dim, hidden, layers)
    state.draw('spatial_mask_token', 1, 1, 2)
    state.norm('encoder_LN', dim, ('a_2', 'b_2'))
    state.linear('encoder_to_decoder', dim, dim // 2, bias=False)
    state.draw('dec_pos_embedding', 1, frames, dim // 2)
    state.draw('mask_token', 1, 1, dim // 2)
    stmo_layers(state, 'Transformer_dec.model.layers', dim // 2, hidden // 2, layers - 1)
    state.batch_norm('fcn_dec.0', dim // 2)
    state.linear('fcn_dec.1', dim // 2, 34, 1)

    mask = torch.zeros(frames, dtype=torch.bool)
    if removed != 'none':
        mask[:] = torch.arange(frames) != 7 if removed == 'all but one' else torch.arange(frames) % 2 == 0
    joints = torch.rand(frames, 17, generator=torch.Generator().manual_seed(1)) < (0 if removed == 'none' else 0.3)
    s, x = state.double(), clip(2, frames, 17, 2)
    shown = x.clone()
    shown[:, joints] = s['spatial_mask_token']
    h = (frame_encoder(s, shown) + s['Transformer.pos_embedding'])[:, ~mask]
    for i in range(layers):
        h = stmo_layer(s, f'Transformer.model.layers.{i}', h)
    h = linear(s, 'encoder_to_decoder', stmo_norm(s, 'encoder_LN', h))
    positions = s['dec_pos_embedding'].expand(2, -1, -1)
    h = torch.cat([h + positions[:, ~mask], s['mask_token'] + positions[:, mask]], 1)
    for i in range(layers - 1):
        h = stmo_layer(s, f'Transformer_dec.model.layers.{i}', h)
    expected = linear(s, 'fcn_dec.1', batch_norm(s, 'fcn_dec.0', h)).unflatten(-1, (17, 2))
    module = official(state, tmp_path, None)
    torch.testing.assert_close(module(x, mask=mask, spatial_mask=joints), expected, **EXACT)
    if removed == 'none':
        torch.testing.assert_close(module(x), expected, **EXACT)


# VideoPose3D


@pytest.mark.parametrize('widths', [[3], [3, 5], [5, 3, 7], [3, 3, 3]])
@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('dense', [False, True])
def test_video_pose(tmp_path, widths, causal, dense):
    state, joints, channels, field = State(), 5, 8, math.prod(widths)
    dilations = [math.prod(widths[:i]) for i in range(len(widths))]
    kernels = [(w - 1) * d + 1 if dense else w for w, d in zip(widths, dilations, strict=True)]
    state.linear('expand_conv', 2 * joints, channels, kernels[0], bias=False)
    state.batch_norm('expand_bn', channels)
    for i, kernel in enumerate(kernels[1:]):
        for k, width in ((2 * i, kernel), (2 * i + 1, 1)):
            state.linear(f'layers_conv.{k}', channels, channels, width, bias=False)
            state.batch_norm(f'layers_bn.{k}', channels)
    state.linear('shrink', channels, 3 * joints, 1)
    given = {'causal': causal, 'dense': dense, 'filter_widths': widths}
    module = official(state, tmp_path, 'model_pos', '', **given)

    s, x = state.double(), clip(2, field + 4, joints, 2)
    window = x[:, 2 : 2 + field]
    for strided, given in ((False, x), (True, window)):  # the form for testing and, for one output, that for training
        if strided and dense:
            continue

        def conv(h, key, norm, dilation, width, strided=strided):
            step = {'stride': width} if strided else {'dilation': 1 if dense else dilation}
            return batch_norm(s, norm, F.conv1d(h, s[f'{key}.weight'], **step), 1).relu()

        h = conv(given.flatten(2).transpose(1, 2), 'expand_conv', 'expand_bn', 1, widths[0])
        for i, width in enumerate(widths[1:]):
            pad = (width - 1) * dilations[i + 1] // 2
            shift = pad if causal else 0
            skip = h[..., pad + shift : h.shape[-1] - pad + shift]
            if strided:
                skip = h[..., (width // 2 if causal else 0) + width // 2 :: width]
            h = conv(h, f'layers_conv.{2 * i}', f'layers_bn.{2 * i}', dilations[i + 1], width)
            h = skip + conv(h, f'layers_conv.{2 * i + 1}', f'layers_bn.{2 * i + 1}', 1, 1)
        expected = linear(s, 'shrink', h.transpose(1, 2)).unflatten(-1, (joints, 3))
        assert expected.shape == (2, 1 if strided else 5, joints, 3)
        torch.testing.assert_close(module(given), expected, **EXACT)

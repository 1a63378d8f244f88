"""The networks that attend to joints written down again, at sizes and with options that no parity case has."""

import pytest
import torch
import torch.nn.functional as F
from official_layout import (
    EXACT,
    State,
    batch_norm,
    clip,
    fused_attention,
    layer_norm,
    linear,
    mlp,
    official,
    over_frames,
)

# MotionAGFormer

RECEIVES = [  # from which joints each one receives, as released
    (1, 7), (0, 2), (1, 3), (2,), (0, 5), (4, 6), (5,), (0, 8), (7, 9), (8, 10), (9,),
    (8, 12), (11, 13), (12,), (8, 15), (14, 16), (15,),
]  # fmt: skip
RELEASED = dict(num_heads=2, mlp_ratio=4, act_layer='gelu', qkv_bias=False, qkv_scale=None, use_layer_scale=True)
RELEASED.update(use_adaptive_fusion=True, hierarchical=False, use_tcn=False, graph_only=False)
RELEASED.update(use_temporal_similarity=True, neighbour_num=2, temporal_connection_len=1)


def graph_conv(s, key, z, adjacency):
    degree = adjacency.sum(-1)
    normal = degree.rsqrt().unsqueeze(-1) * adjacency * degree.rsqrt().unsqueeze(-2)
    mixed = normal @ linear(s, f'{key}.V', z) + linear(s, f'{key}.U', z)
    return (z + batch_norm(s, f'{key}.batch_norm', mixed, -2)).relu()


def multi_scale(s, key, x):
    """(B, T, J, D), four branches side by side plus the input."""

    def narrow(i):
        y = F.conv2d(x.permute(0, 3, 1, 2), s[f'{key}.branches.{i}.0.weight'], s[f'{key}.branches.{i}.0.bias'])
        return batch_norm(s, f'{key}.branches.{i}.1', y, 1)

    outputs = []
    for i in range(2):
        conv = f'{key}.branches.{i}.3.conv'
        padding, dilation = (2 * (i + 1), 0), (i + 1, 1)
        y = F.conv2d(narrow(i).relu(), s[f'{conv}.weight'], s[f'{conv}.bias'], 1, padding, dilation)
        outputs.append(batch_norm(s, f'{key}.branches.{i}.3.bn', y, 1))
    y = F.max_pool2d(narrow(2).relu(), (3, 1), 1, (1, 0))
    outputs += [batch_norm(s, f'{key}.branches.2.4', y, 1), narrow(3)]
    return x + torch.cat(outputs, 1).permute(0, 2, 3, 1)


def agformer_state(c, width, frames):
    state, dim = State(), c['dim_feat']
    state.linear('joints_embed', 3, dim)
    state.draw('pos_embed', 1, 17, dim)
    for i in range(c['n_layers']):
        for name in ('att_spatial', 'att_temporal', 'graph_spatial', 'graph_temporal'):
            key = f'layers.{i}.{name}'
            bare = c['graph_only'] and name.startswith('graph')
            mixer = key if bare else f'{key}.mixer'
            if name.startswith('att'):
                state.linear(f'{mixer}.qkv', width, 3 * width, bias=c['qkv_bias'])
                state.linear(f'{mixer}.proj', width, width)
            elif name == 'graph_temporal' and c['use_tcn']:
                for b in range(4):
                    state.linear(f'{mixer}.branches.{b}.0', width, width // 4, 1, 1)
                    state.batch_norm(f'{mixer}.branches.{b}.1', width // 4)
                for b in range(2):
                    state.linear(f'{mixer}.branches.{b}.3.conv', width // 4, width // 4, 5, 1)
                    state.batch_norm(f'{mixer}.branches.{b}.3.bn', width // 4)
                state.batch_norm(f'{mixer}.branches.2.4', width // 4)
            else:
                state.linear(f'{mixer}.U', width, width)
                state.linear(f'{mixer}.V', width, width)
                state.batch_norm(f'{mixer}.batch_norm', 17 if name == 'graph_spatial' else frames)
            if bare:
                continue
            for n in (1, 2):
                state.norm(f'{key}.norm{n}', width)
                if c['use_layer_scale']:
                    state.draw(f'{key}.layer_scale_{n}', width, scale=0.5)
            hidden = int(width * c['mlp_ratio'])
            state.linear(f'{key}.mlp.fc1', width, hidden)
            state.linear(f'{key}.mlp.fc2', hidden, width)
        if c['use_adaptive_fusion']:
            state.linear(f'layers.{i}.fusion', 2 * width, 2)
    state.norm('norm', dim)
    state.linear('rep_logit.fc', dim, c['dim_rep'])
    state.linear('head', c['dim_rep'], 3)
    return state


def agformer(s, c, x):
    eye, frames = torch.eye(17, dtype=x.dtype), x.shape[1]
    joints = sum(eye[i].outer(eye[j]) for i, others in enumerate(RECEIVES) for j in others)

    def temporal(z):
        """Adjacency of frames; without perceptrons the original always takes the similarity."""
        if c['use_temporal_similarity'] or c['graph_only']:
            similarity = z @ z.transpose(-1, -2)
            least = similarity.sort(-1, descending=True).values[..., c['neighbour_num'] - 1, None]
            return (similarity >= least).to(z)
        ahead = torch.arange(frames) - torch.arange(frames).unsqueeze(1)
        return ((ahead >= 0) & (ahead <= c['temporal_connection_len'])).to(z)

    def mix(name, key, x):
        if name.startswith('att'):
            function = lambda z: fused_attention(s, key, z, c['num_heads'], c['qkv_scale'])  # noqa: E731
            return function(x) if name.endswith('spatial') else over_frames(function, x)
        if name == 'graph_spatial':
            return graph_conv(s, key, x, joints)
        if c['use_tcn']:
            return multi_scale(s, key, x)
        return over_frames(lambda z: graph_conv(s, key, z, temporal(z)), x)

    def block(i, name, x):
        key = f'layers.{i}.{name}'
        if c['graph_only'] and name.startswith('graph'):
            return mix(name, key, x)
        x = x + s.get(f'{key}.layer_scale_1', 1) * mix(name, f'{key}.mixer', layer_norm(s, f'{key}.norm1', x, 1e-5))
        act = {'gelu': F.gelu, 'relu': F.relu}[c['act_layer']]
        return x + s.get(f'{key}.layer_scale_2', 1) * mlp(s, f'{key}.mlp', layer_norm(s, f'{key}.norm2', x, 1e-5), act)

    h = linear(s, 'joints_embed', x) + s['pos_embed']
    for i in range(c['n_layers']):
        first, second = h.chunk(2, -1) if c['hierarchical'] else (h, h)
        a = block(i, 'att_temporal', block(i, 'att_spatial', first))
        second = second + a if c['hierarchical'] else second
        g = block(i, 'graph_temporal', block(i, 'graph_spatial', second))
        if c['hierarchical']:
            h = torch.cat([a, g], -1)
        elif c['use_adaptive_fusion']:
            share = linear(s, f'layers.{i}.fusion', torch.cat([a, g], -1)).softmax(-1)
            h = share[..., :1] * a + share[..., 1:] * g
        else:
            h = (a + g) / 2
    rep = linear(s, 'rep_logit.fc', layer_norm(s, 'norm', h, 1e-5)).tanh()
    return rep, linear(s, 'head', rep)


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'hierarchical': True, 'use_temporal_similarity': False, 'temporal_connection_len': 3},
        {'graph_only': True, 'use_temporal_similarity': False, 'neighbour_num': 3, 'temporal_connection_len': 2},
        {'use_tcn': True, 'graph_only': True},
        {'use_adaptive_fusion': False, 'neighbour_num': 3, 'mlp_ratio': 2.3},
        {'hierarchical': True, 'use_tcn': True, 'use_adaptive_fusion': False, 'use_layer_scale': False},
        {'qkv_bias': True, 'qkv_scale': 0.7, 'act_layer': 'relu', 'neighbour_num': 20, 'mlp_ratio': 1.1},
    ],
    ids=lambda options: '+'.join(options) or 'released',
)
def test_agformer(tmp_path, options):
    frames = 7
    c = {'n_layers': 2, 'dim_feat': 16, 'dim_rep': 12, **RELEASED, **options}
    state = agformer_state(c, 8 if c['hierarchical'] else 16, frames)
    x = clip(2, frames, 17, 3)
    reference = {**c, 'neighbour_num': min(c['neighbour_num'], frames)}
    rep, expected = agformer(state.double(), reference, x)
    near = {'rtol': 0, 'atol': 2e-6}  # our graphs are normalised in float32
    torch.testing.assert_close(official(state, tmp_path, 'model', **c)(x), expected, **near)
    module = official(state, tmp_path, 'model', task='representation', system='motion2vec', **c)
    torch.testing.assert_close(module(x), rep, **near)


# MotionBERT, MixSTE, PoseFormer


def transformer_block(state, key, dim, hidden, qkv_bias, suffix=''):
    for n in (1, 2):
        state.norm(f'{key}.norm{n}{suffix}', dim)
    state.linear(f'{key}.attn{suffix}.qkv', dim, 3 * dim, bias=qkv_bias)
    state.linear(f'{key}.attn{suffix}.proj', dim, dim)
    state.linear(f'{key}.mlp{suffix}.fc1', dim, hidden)
    state.linear(f'{key}.mlp{suffix}.fc2', hidden, dim)


def transform(s, key, x, heads, scale=None, suffix=''):
    x = x + fused_attention(s, f'{key}.attn{suffix}', layer_norm(s, f'{key}.norm1{suffix}', x, 1e-6), heads, scale)
    return x + mlp(s, f'{key}.mlp{suffix}', layer_norm(s, f'{key}.norm2{suffix}', x, 1e-6))


@pytest.mark.parametrize('att_fuse', [False, True])
def test_motionbert(tmp_path, att_fuse):
    dim, rep, depth, longest, joints, hidden = 12, 10, 3, 9, 6, int(12 * 1.55)
    state = State()
    state.linear('joints_embed', 4, dim)
    state.draw('pos_embed', 1, joints, dim)
    state.draw('temp_embed', 1, longest, 1, dim)
    for i in range(depth):
        for stream in ('blocks_st', 'blocks_ts'):
            transformer_block(state, f'{stream}.{i}', dim, hidden, False, '_s')
            transformer_block(state, f'{stream}.{i}', dim, hidden, False, '_t')
        if att_fuse:
            state.linear(f'ts_attn.{i}', 2 * dim, 2)
    state.norm('norm', dim)
    state.linear('pre_logits.fc', dim, rep)
    state.linear('head', rep, 2)

    s, x = state.double(), clip(2, 5, joints, 4)
    h = linear(s, 'joints_embed', x) + s['pos_embed'] + s['temp_embed'][:, :5]
    for i in range(depth):
        first, second = f'blocks_st.{i}', f'blocks_ts.{i}'
        a = transform(s, first, h, 3, 0.4, '_s')
        a = over_frames(lambda z, key=first: transform(s, key, z, 3, 0.4, '_t'), a)
        b = over_frames(lambda z, key=second: transform(s, key, z, 3, 0.4, '_t'), h)
        b = transform(s, second, b, 3, 0.4, '_s')
        share = linear(s, f'ts_attn.{i}', torch.cat([a, b], -1)).softmax(-1) if att_fuse else torch.full((2,), 0.5)
        h = share[..., :1] * a + share[..., 1:] * b
    expected = linear(s, 'head', linear(s, 'pre_logits.fc', layer_norm(s, 'norm', h, 1e-6)).tanh())
    given = {'dim_in': 4, 'dim_out': 2, 'qkv_bias': False, 'att_fuse': att_fuse, 'mlp_ratio': 1.55, 'qk_scale': 0.4}
    module = official(state, tmp_path, 'model_pos', num_heads=3, **given)
    torch.testing.assert_close(module(x), expected, **EXACT)


OPTIONS = [
    {'qkv_bias': False, 'mlp_ratio': 1.5, 'qk_scale': None},
    {'qkv_bias': True, 'mlp_ratio': 2.1, 'qk_scale': 0.25},
    {'qkv_bias': False, 'mlp_ratio': 0.7, 'qk_scale': 1.5},
]


def patch_state(options, dim, wide, joints, frames, depth, stacks):
    state = State()
    state.linear('Spatial_patch_to_embedding', 3, dim)
    state.draw('Spatial_pos_embed', 1, joints, dim)
    state.draw('Temporal_pos_embed', 1, frames, wide)
    for stack, width in zip(stacks, (dim, wide), strict=True):
        for i in range(depth):
            transformer_block(state, f'{stack}.{i}', width, int(width * options['mlp_ratio']), options['qkv_bias'])
    state.norm('Spatial_norm', dim)
    state.norm('Temporal_norm', wide)
    state.norm('head.0', wide)
    return state


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('given', ['keywords', 'shapes'])
def test_mixste(tmp_path, options, given):
    dim, joints, frames, depth = 10, 7, 6, 3
    state = patch_state(options, dim, dim, joints, frames, depth, ('STEblocks', 'TTEblocks'))
    state.linear('head.1', dim, 3)
    s, x, scale = state.double(), clip(2, frames, joints, 3), options['qk_scale']
    h = linear(s, 'Spatial_patch_to_embedding', x) + s['Spatial_pos_embed']
    for i in range(depth):
        h = layer_norm(s, 'Spatial_norm', transform(s, f'STEblocks.{i}', h, 2, scale), 1e-6)
        h = h + s['Temporal_pos_embed'].unsqueeze(2) if i == 0 else h
        h = over_frames(lambda z, i=i: transform(s, f'TTEblocks.{i}', z, 2, scale), h)
        h = layer_norm(s, 'Temporal_norm', h, 1e-6)
    expected = linear(s, 'head.1', layer_norm(s, 'head.0', h, 1e-5))
    known = options if given == 'keywords' else {'qk_scale': scale}
    torch.testing.assert_close(official(state, tmp_path, 'model_pos', num_heads=2, **known)(x), expected, **EXACT)


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('given', ['keywords', 'shapes'])
def test_poseformer(tmp_path, options, given):
    dim, joints, frames, depth = 4, 7, 5, 2
    state = patch_state(options, dim, joints * dim, joints, frames, depth, ('Spatial_blocks', 'blocks'))
    state.linear('weighted_mean', frames, 1, 1)
    state.linear('head.1', joints * dim, 3 * joints)
    s, x, scale = state.double(), clip(2, frames, joints, 3), options['qk_scale']
    h = linear(s, 'Spatial_patch_to_embedding', x) + s['Spatial_pos_embed']
    for i in range(depth):
        h = transform(s, f'Spatial_blocks.{i}', h, 2, scale)
    h = layer_norm(s, 'Spatial_norm', h, 1e-6).flatten(2) + s['Temporal_pos_embed']
    for i in range(depth):
        h = transform(s, f'blocks.{i}', h, 2, scale)
    h = layer_norm(s, 'Temporal_norm', h, 1e-6)
    h = F.conv1d(h, s['weighted_mean.weight'], s['weighted_mean.bias'])
    expected = linear(s, 'head.1', layer_norm(s, 'head.0', h, 1e-5)).unflatten(-1, (joints, 3))
    known = options if given == 'keywords' else {'qk_scale': scale}
    torch.testing.assert_close(official(state, tmp_path, 'model_pos', num_heads=2, **known)(x), expected, **EXACT)

"""The papers' networks as their equations read: plain eager operations, nothing fused, nothing shared, no copy avoided.

Opponents of the benchmarks. Each function takes the product's own weights by name, so both compute the same poses
(tests/test_models/test_reference_models.py). Attention is softmax(Q K^T / sqrt(d)) V with all three matrices
made; tokens are copied to (N, L, D) so that the axis that is attended over comes second. Only evaluation: no dropout.
"""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layer = Callable[[Tensor], Tensor]
Weights = dict  # tensors, and the weights of modules inside, by name
# Human3.6M's tree as MotionAGFormer's released program has it: row i lists the joints that joint i receives from
RELEASED_GRAPH = [[1, 7], [0, 2], [1, 3], [2], [0, 5], [4, 6], [5], [0, 8], [7, 9], [8, 10], [9], [8, 12], [11, 13]]
RELEASED_GRAPH += [[12], [8, 15], [14, 16], [15]]
MISSING_EDGES = ((0, 4), (8, 11), (8, 14))  # with them the tree has both directions of every bone


def tree(tensors: Mapping[str, Tensor]) -> dict:
    """The tensors of a model as dictionaries in dictionaries, by the parts of their names."""
    root: dict = {}
    for name, tensor in tensors.items():
        *places, last = name.split('.')
        node = root
        for place in places:
            node = node.setdefault(place, {})
        node[last] = tensor
    return root


def each(w: Weights) -> list[Weights]:
    """The members of a list, in order."""
    return [w[str(i)] for i in range(len(w))]


def reference(model: nn.Module) -> Layer:
    """The plain network of a model: network-space clips (B, T, J, C) to poses (B, T', K, 3).

    Args:
        model: a lifting model with one of the eight papers' backbones as published; its weights are used, not copied.
    """
    backbone, head = model.backbone, model.heads['pose']
    w = tree({**dict(model.named_parameters()), **dict(model.named_buffers())})
    body = w['backbone']
    heads = next((m.num_heads for m in backbone.modules() if hasattr(m, 'num_heads')), 1)
    kind = type(backbone).__name__
    graphs = {'temporal_graph': 'similarity', 'self_loops': False, 'edges': 'released', **model.cfg.model.backbone}
    network: Layer = {
        'DSTformer': lambda x: dstformer(body, x, heads),
        'ActionPose': lambda x: dstformer(body, x, heads),
        'MixSTE': lambda x: mixste(body, x, heads),
        'PoseFormer': lambda x: poseformer(w, x, heads),
        'STMO': lambda x: pstmo(w, x, heads, [layer.stride for layer in model.neck.layers]),
        'TemporalConvNet': lambda x: videopose3d(body, x, backbone.dilations),
        'MotionAGFormer': lambda x: dual_stream(body, x, heads, graphs),
    }[kind]
    return lambda x: pose_head(w['heads']['pose'], network(x), head.num_joints)


def linear(w: Weights, x: Tensor) -> Tensor:
    """W x + b."""
    return F.linear(x, w['weight'], w.get('bias'))


def layer_norm(w: Weights, x: Tensor, eps: float = 1e-6) -> Tensor:
    """(x - mean) / sqrt(var + eps), scaled and shifted."""
    return F.layer_norm(x, x.shape[-1:], w['weight'], w['bias'], eps)


def std_norm(w: Weights, x: Tensor) -> Tensor:
    """P-STMO's norm: divided by the unbiased standard deviation plus epsilon."""
    return w['weight'] * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + w['bias']


def batch_norm(w: Weights, x: Tensor) -> Tensor:
    """Batch norm of axis 1 by the running statistics."""
    return F.batch_norm(x, w['running_mean'], w['running_var'], w['weight'], w['bias'])


def attention(w: Weights, x: Tensor, heads: int) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V on (N, L, D), the heads side by side, then a linear map."""
    n, length, dims = x.shape
    q, k, v = linear(w['qkv'], x).reshape(n, length, 3, heads, dims // heads).permute(2, 0, 3, 1, 4)
    weights = ((q @ k.transpose(-2, -1)) * (dims // heads) ** -0.5).softmax(-1)
    return linear(w['proj'], (weights @ v).transpose(1, 2).reshape(n, length, dims))


def mlp(w: Weights, x: Tensor, act: Layer = F.gelu) -> Tensor:
    """Linear, activation, linear."""
    return linear(w['fc2'], act(linear(w['fc1'], x)))


def block(w: Weights, x: Tensor, mixer: Layer, norm: Callable[..., Tensor] = layer_norm, act: Layer = F.gelu) -> Tensor:
    """A pre-norm block on tokens (..., D): what mixes them, then a perceptron, each scaled where there are factors."""
    for name, norm_name, layer in (('1', 'norm1', mixer), ('2', 'norm2', lambda y: mlp(w['mlp'], y, act))):
        y = layer(norm(w[norm_name], x))
        x = x + (w[f'layer_scale_{name}'] * y if f'layer_scale_{name}' in w else y)
    return x


def attention_block(w: Weights, x: Tensor, heads: int, **options: object) -> Tensor:
    """A pre-norm transformer block on (N, L, D)."""
    return block(w, x, lambda y: attention(w['attn'], y, heads), **options)


def over_joints(layer: Layer, x: Tensor) -> Tensor:
    """A layer of (N, L, D) on (B, T, J, D), each frame by itself."""
    b, t, j, d = x.shape
    return layer(x.reshape(b * t, j, d)).reshape(b, t, j, d)


def over_frames(layer: Layer, x: Tensor) -> Tensor:
    """A layer of (N, L, D) on (B, T, J, D), each joint by itself."""
    b, t, j, d = x.shape
    return layer(x.permute(0, 2, 1, 3).reshape(b * j, t, d)).reshape(b, j, t, d).permute(0, 2, 1, 3)


def pose_head(w: Weights, features: Tensor, num_joints: int | None) -> Tensor:
    """A norm of the kind that there is, then a linear map to all joints of the frame's token, or to each token's."""
    if 'running_mean' in w.get('norm', {}):
        features = batch_norm(w['norm'], features.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    elif 'norm' in w:
        features = layer_norm(w['norm'], features, 1e-5)
    poses = linear(w['linear'], features)
    return poses.reshape(*poses.shape[:2], num_joints or poses.shape[2], 3)


def fused(w: Weights, one: Tensor, other: Tensor) -> Tensor:
    """MotionBERT, equation 5: two streams weighted per token by a softmax of a linear map of both."""
    alpha = linear(w['linear'], torch.cat([one, other], -1)).softmax(-1)
    return alpha[..., :1] * one + alpha[..., 1:] * other


def representation(w: Weights, h: Tensor, eps: float) -> Tensor:
    """MotionBERT's motion representation."""
    return torch.tanh(linear(w['representation'], layer_norm(w['norm'], h, eps)))


def dstformer(w: Weights, x: Tensor, heads: int) -> Tensor:
    """MotionBERT (Zhu et al. 2023), section 3.2; with a class token before the first frame it is ActionPose."""
    frames = x.shape[1]
    h = linear(w['input_projection'], x) + w['joint_embedding']['weight']
    h = h + w['frame_embedding']['weight'][:, :frames, None]
    token = 'class_token' in w
    if token:
        h = torch.cat([(w['class_token'] + w['joint_embedding']['weight']).repeat(len(h), 1, 1, 1), h], 1)
    ways = {'s': over_joints, 't': over_frames}
    for layer, fusion in zip(each(w['layers']), each(w['fusions']), strict=True):
        streams = []
        for i, order in enumerate(('st', 'ts')):
            s = h
            for part, axis in zip(each(layer['streams'][str(i)]), order, strict=True):
                s = ways[axis](lambda y, part=part: attention_block(part, y, heads), s)
            streams.append(s)
        h = fused(fusion, *streams)
    return representation(w, h[:, 1:] if token else h, 1e-6)


def mixste(w: Weights, x: Tensor, heads: int) -> Tensor:
    """MixSTE (Zhang et al. 2022), section 3: spatial and temporal blocks in turn, a norm behind each kind."""
    h = linear(w['input_projection'], x) + w['joint_embedding']['weight']
    pairs = zip(each(w['spatial_blocks']), each(w['temporal_blocks']), strict=True)
    for i, (spatial, temporal) in enumerate(pairs):
        h = over_joints(lambda y, part=spatial: layer_norm(w['spatial_norm'], attention_block(part, y, heads)), h)
        if i == 0:
            h = h + w['frame_embedding']['weight'][:, : h.shape[1], None]
        h = over_frames(lambda y, part=temporal: layer_norm(w['temporal_norm'], attention_block(part, y, heads)), h)
    return h


def poseformer(w: Weights, x: Tensor, heads: int) -> Tensor:
    """PoseFormer (Zheng et al. 2021), section 3: joints, then frames, then a weighted mean of the frames."""
    spatial, b = w['backbone']['spatial'], w['backbone']
    h = linear(spatial['input_projection'], x) + spatial['joint_embedding']['weight']
    for part in each(spatial['blocks']):
        h = over_joints(lambda y, part=part: attention_block(part, y, heads), h)
    h = layer_norm(spatial['norm'], h).flatten(2) + b['frame_embedding']['weight']
    for part in each(b['temporal_blocks']):
        h = attention_block(part, h, heads)
    h = layer_norm(b['norm'], h)
    return F.conv1d(h, w['neck']['conv']['weight'], w['neck']['conv']['bias']).unsqueeze(2)


def pstmo(w: Weights, x: Tensor, heads: int, strides: list[int]) -> Tensor:
    """P-STMO (Shan et al. 2022), stage II, as released: a perceptron a frame, frames, then all frames to one."""
    spatial, b, neck = w['backbone']['spatial'], w['backbone'], w['neck']

    def layer(part: Weights, y: Tensor) -> Tensor:
        y = batch_norm(part['norm'], linear(part['linear'], y).transpose(1, 2)).transpose(1, 2)
        return F.leaky_relu(y, 0.2)

    h = layer(spatial['first'], x.flatten(2))
    for part in each(spatial['blocks']):
        h = h + layer(part['1'], layer(part['0'], h))
    h = linear(spatial['last'], h) + b['frame_embedding']['weight']
    for part in each(b['temporal_blocks']):
        h = attention_block(part, h, heads, norm=std_norm, act=F.relu)
    places = each(neck['embeddings'])
    for i, (part, stride) in enumerate(zip(each(neck['layers']), strides, strict=True)):
        if i < len(places):
            h = h + places[i]['weight'][:, : h.shape[1]]
        h = h + attention(part['attn'], std_norm(part['norm1'], h), heads)
        y = std_norm(part['norm2'], h).transpose(1, 2)
        y = F.relu(F.conv1d(y, part['conv1']['weight'], part['conv1']['bias']))
        y = F.conv1d(y, part['conv2']['weight'], part['conv2']['bias'], stride, padding=1)
        h = h[:, ::stride] + y.transpose(1, 2)
    return h.unsqueeze(2)


def videopose3d(w: Weights, x: Tensor, dilations: list[int]) -> Tensor:
    """VideoPose3D (Pavllo et al. 2019), section 3: dilated convolutions without padding; T - F + 1 outputs."""
    h = F.relu(batch_norm(w['first_norm'], F.conv1d(x.flatten(2).transpose(1, 2), w['first_conv']['weight'])))
    for i, dilation in enumerate(dilations[1:]):
        wide, narrow = each(w['convs'])[2 * i : 2 * i + 2]
        norms = each(w['norms'])[2 * i : 2 * i + 2]
        y = F.relu(batch_norm(norms[0], F.conv1d(h, wide['weight'], dilation=dilation)))
        y = F.relu(batch_norm(norms[1], F.conv1d(y, narrow['weight'])))
        crop = (h.shape[-1] - y.shape[-1]) // 2
        h = h[..., crop : crop + y.shape[-1]] + y
    return h.transpose(1, 2).unsqueeze(2)


def dual_stream(w: Weights, x: Tensor, heads: int, graphs: Mapping) -> Tensor:
    """MotionAGFormer (Mehraban et al. 2024) and Motion2vec (Ye et al.): attention beside graph convolution."""
    joints = x.new_zeros(x.shape[2], x.shape[2])
    for i, sources in enumerate(RELEASED_GRAPH):
        joints[i, sources] = 1
    if graphs['edges'] != 'released':
        joints[tuple(zip(*MISSING_EDGES, strict=True))] = 1
    joints = joints + torch.eye(len(joints)).to(x) if graphs['self_loops'] else joints

    def frames(z: Tensor) -> Tensor:
        if graphs['temporal_graph'] == 'past':  # Motion2vec's paper: ones below the diagonal, plus I
            return z.new_ones(z.shape[1], z.shape[1]).tril().triu(-1)
        similarity = z @ z.transpose(1, 2)
        return (similarity >= similarity.topk(2, -1).values[..., -1:]).to(z.dtype)

    def norm(part: Weights, y: Tensor) -> Tensor:
        return layer_norm(part, y, 1e-5)

    h = linear(w['input_projection'], x) + w['joint_embedding']['weight']
    for layer, fusion in zip(each(w['layers']), each(w['fusions']), strict=True):
        attends, mixes = (each(stream) for stream in each(layer['streams']))
        a, g = h, h
        for i, way in enumerate((over_joints, over_frames)):
            a = way(lambda y, part=attends[i]: attention_block(part, y, heads, norm=norm), a)
            graph = frames if i else lambda z: joints
            g = way(lambda y, part=mixes[i], n=graph: graph_block(part, y, n, norm), g)
        h = fused(fusion, a, g)
    return representation(w, h, 1e-5)


def graph_block(w: Weights, x: Tensor, graph: Layer, norm: Callable[..., Tensor]) -> Tensor:
    """A pre-norm block on nodes (N, L, D) that mixes by relu(z + BN(N V z + U z)), N the scaled adjacency."""

    def mixer(z: Tensor) -> Tensor:
        adjacency = graph(z)
        scale = adjacency.sum(-1, keepdim=True) ** -0.5
        mixed = (scale * adjacency * scale.transpose(-2, -1)) @ linear(w['attn']['V'], z) + linear(w['attn']['U'], z)
        return F.relu(z + batch_norm(w['attn']['norm'], mixed))

    return block(w, x, mixer, norm)

"""MixSTE's forward pass against a plain arrangement of the same layers.

usage: python benchmarks/forward.py [--frames 81] [--dims 512] [--depth 8] [--batch 1] [--threads 1]
"""

import argparse

import torch
from timing import compare

from poselifter.models.backbones import MixSTE


def plain_block(block: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A pre-norm block on (N, L, D) tokens with the attention written out, as the authors' code has it."""
    n, length, dims = x.shape
    attention = block.attn
    qkv = attention.qkv(block.norm1(x)).reshape(n, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    weights = ((q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5).softmax(-1)
    x = x + attention.proj((weights @ v).transpose(1, 2).reshape(n, length, dims))
    return x + block.mlp(block.norm2(x))


def plain_forward(model: MixSTE, x: torch.Tensor) -> torch.Tensor:
    """The network with (B * T, J, D) and (B * J, T, D) made by copying."""
    b, t, j, _ = x.shape
    h = (model.input_projection(x) + model.joint_embedding.weight).reshape(b * t, j, -1)
    for i, (spatial, temporal) in enumerate(zip(model.spatial_blocks, model.temporal_blocks, strict=True)):
        h = model.spatial_norm(plain_block(spatial, h))
        h = h.reshape(b, t, j, -1).permute(0, 2, 1, 3).reshape(b * j, t, -1)
        if i == 0:
            h = h + model.frame_embedding.weight[:, :t]
        h = model.temporal_norm(plain_block(temporal, h))
        h = h.reshape(b, j, t, -1).permute(0, 2, 1, 3).reshape(b * t, j, -1)
    return h.reshape(b, t, j, -1)


def main() -> None:
    """Checks that both agree, then times them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (('frames', 81), ('dims', 512), ('depth', 8), ('batch', 1), ('threads', 1)):
        parser.add_argument(f'--{name}', type=int, default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = MixSTE(args.frames, embed_dims=args.dims, depth=args.depth).eval()
    x = torch.randn(args.batch, args.frames, 17, 2)
    with torch.inference_mode():
        difference = (model(x) - plain_forward(model, x)).abs().max().item()
        ours, plain = compare(lambda: model(x), lambda: plain_forward(model, x))
    print(f'greatest difference {difference:.1e}; plain / ours = {plain / ours:.2f}')


if __name__ == '__main__':
    main()

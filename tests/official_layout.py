"""Files in the published systems' layouts: the parity cases, and ones with random weights.

The operations that all the systems consist of are written here from their descriptions only, functional, for networks
in float64: agreement is then far closer than any mistake could be.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from poselifter.apis import load_official

PARITY = Path(__file__).resolve().parents[2] / 'shared' / 'fixtures' / 'parity'
# every file that holds a whole published network
FILES = sorted(
    path.relative_to(PARITY).as_posix()
    for path in PARITY.glob('*/*/*.pth')
    if path.stem in ('checkpoint', 'checkpoint_stage1', 'initial')
)
# one for each kind of file and each kind of network
KINDS = (
    *('mixste/pose_depth1', 'poseformer/pose_small', 'videopose3d/temporal_27', 'videopose3d/trajectory_27'),
    *('videopose3d/temporal_9_dense_kernels', 'motionbert/dstformer_pose', 'motionbert/action_net'),
    *('motionbert/action_embed', 'motionbert/mesh_regressor', 'motionagformer/pose_knn', 'motionagformer/pose_tcn'),
    *('motionagformer/pose_plain', 'motionagformer/pose_hierarchical', 'motion2vec/action_class'),
    *('motion2vec/action_embed', 'motion2vec/pretrain_step', 'pstmo/stage2_small_27', 'pstmo/stage1_masked_27'),
    'pstmo/refine',
)
EXACT = {'rtol': 0, 'atol': 1e-9}


class Case:
    """A folder of parity files, such as ``mixste/pose_small``; tests skip where there are none."""

    def __init__(self, name: str) -> None:
        if not PARITY.is_dir():
            pytest.skip('needs the parity cases in ../shared, which are not part of the repository')
        self.folder, self.system = PARITY / name, name.split('/')[0]
        self.file = self.folder / 'checkpoint.pth'
        self.meta = json.loads((self.folder / 'meta.json').read_text())
        self.constructor = self.meta.get('constructor') or self.meta['constructor_backbone']
        found = re.search(r'\d+e-\d+', self.meta.get('tolerance', ''))
        self.tolerance = float(found[0]) if found else 1e-5

    def array(self, name: str) -> np.ndarray:
        return np.load(self.folder / f'{name}.npy')

    def tensors(self, key: str | None = None, file: str = 'checkpoint.pth') -> dict[str, torch.Tensor]:
        """The original's tensors, with a plain reader for objects beside them."""
        content = torch.load(self.folder / file, weights_only=False)
        return dict(content[key] if key else content)

    def check(self, found: np.ndarray | torch.Tensor, name: str) -> None:
        assert found.shape == self.array(name).shape
        np.testing.assert_allclose(np.asarray(found), self.array(name), rtol=0, atol=self.tolerance, err_msg=name)


class State(dict):
    """A random state dict in an original's layout; reading goes by a name without ``.weight`` and ``.bias``."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, key, *shape, scale=1.0):
        self[key] = torch.randn(shape, generator=self.random) * scale

    def linear(self, key, inner, outer, *kernel, bias=True):
        self.draw(f'{key}.weight', outer, inner, *kernel, scale=1 / math.sqrt(inner * math.prod(kernel)))
        if bias:
            self.draw(f'{key}.bias', outer, scale=0.3)

    def norm(self, key, dim, names=('weight', 'bias')):
        self[f'{key}.{names[0]}'] = torch.rand(dim, generator=self.random) + 0.5
        self.draw(f'{key}.{names[1]}', dim, scale=0.3)

    def batch_norm(self, key, dim):
        self.norm(key, dim)
        self.draw(f'{key}.running_mean', dim, scale=0.3)
        self[f'{key}.running_var'] = torch.rand(dim, generator=self.random) + 0.5
        self[f'{key}.num_batches_tracked'] = torch.tensor(7)

    def double(self):
        return {key: value.double() for key, value in self.items()}


def clip(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def official(state, tmp_path, container, prefix='module.', **architecture):
    """What our loader makes of the file, in float64."""
    state = {prefix + key: value for key, value in state.items()}
    torch.save({container: state} if container else state, tmp_path / 'official.bin')
    return load_official(tmp_path / 'official.bin', **architecture).double()


def linear(s, key, x):
    return F.linear(x, s[f'{key}.weight'].flatten(1), s.get(f'{key}.bias'))


def layer_norm(s, key, x, eps):
    return F.layer_norm(x, x.shape[-1:], s[f'{key}.weight'], s[f'{key}.bias'], eps)


def batch_norm(s, key, x, axis=-1):
    x = x.transpose(axis, -1)
    mean, variance = s[f'{key}.running_mean'], s[f'{key}.running_var']
    x = (x - mean) / (variance + 1e-5).sqrt() * s[f'{key}.weight'] + s[f'{key}.bias']
    return x.transpose(axis, -1)


def attend(q, k, v, heads, scale=None):
    """Tokens (..., N, D) of each head by itself."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(-3, -2) for x in (q, k, v))
    weights = (q @ k.transpose(-1, -2) * (scale or q.shape[-1] ** -0.5)).softmax(-1)
    return (weights @ v).transpose(-3, -2).flatten(-2)


def fused_attention(s, key, x, heads, scale=None):
    return linear(s, f'{key}.proj', attend(*linear(s, f'{key}.qkv', x).chunk(3, -1), heads, scale))


def mlp(s, key, x, act=F.gelu):
    return linear(s, f'{key}.fc2', act(linear(s, f'{key}.fc1', x)))


def over_frames(function, x):
    """Applies a function of (..., N, D) to the frames of each joint of (B, T, J, D)."""
    return function(x.transpose(1, 2)).transpose(1, 2)

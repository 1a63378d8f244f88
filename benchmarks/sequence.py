"""A sequence through models that give one frame a window: ours against window by window.

Run by `python benchmarks/run.py --only sequence`.
"""

from collections.abc import Callable
from functools import partial

import torch
from reference_models import reference
from timing import compare, floor, operations, weights_of

from poselifter.apis import init_model
from poselifter.structures import WindowPolicy
from poselifter.utils.fast_products import fast_products

# bar, and the frames that are timed: a part of a sequence costs as much a frame, and the slow way takes minutes
CONFIGS = {
    'videopose3d/h36m_243': (50, 1000),
    'poseformer/h36m_81': (3, 300),
    'pstmo/h36m_s_81': (3, 1000),
    'pstmo/h36m_s_243': (3, 1000),
}


def windows(model: torch.nn.Module, frames: int) -> torch.Tensor:
    """The frames that each frame's window shows, edges repeated."""
    length = getattr(model.backbone, 'field', model.backbone.num_frames)
    return torch.from_numpy(
        WindowPolicy(length, stride=1, outputs=1, dilation=model.window.dilation).cut(frames).inputs
    )


def one_by_one(pose: Callable, model: torch.nn.Module, sequence: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The pose of some frames, each from a window of its own."""
    poses = torch.cat([pose(sequence[row][None])[:, 0] for row in rows])
    return model.codec.decode(poses, zero_root=model.zero_root)


def at_once(model: torch.nn.Module, sequence: torch.Tensor) -> torch.Tensor:
    """All frames as the product lifts them."""
    with fast_products(len(sequence)):
        return model.lift([sequence])[0]


def measure(name: str, frames: int, some: int = 48) -> dict:
    """Checks that both agree on every 20th window, then times them: the slow way on some windows, scaled.

    Returns:
        ``ratio`` to the plain network, ``own`` to the product window by window, ``difference`` in mm, ``share`` of the
        floor, which is that of the plain operations but each frame's part once where a network can share it.
    """
    torch.manual_seed(0)
    model = init_model(f'configs/{name}.py', cfg_options={'model.test_cfg.flip_test': False}).eval()
    plain, all_rows = reference(model), windows(model, frames)
    sequence = torch.rand(frames, model.backbone.num_joints, model.backbone.in_channels)
    rows = all_rows[:: max(frames // some, 1)]
    with torch.inference_mode():
        expected = one_by_one(plain, model, sequence, rows)
        difference = (at_once(model, sequence)[:: max(frames // some, 1)] - expected).abs().max().item() * 1000
        ours, slow, own = compare(
            partial(at_once, model, sequence),
            partial(one_by_one, plain, model, sequence, rows),
            partial(one_by_one, model.pose, model, sequence, rows),
            rounds=2,
        )
        work = operations(lambda: model.lift([sequence])[0])
    scale = frames / len(rows)
    share = floor(work, weights_of(model) + 2 * sequence.nbytes).share(ours)
    return {'ratio': slow * scale / ours, 'own': own * scale / ours, 'difference': difference, 'share': share}

"""A sequence through models that give one frame a window: ours against window by window.

usage: OMP_NUM_THREADS=1 python benchmarks/sequence.py [--frames 1000] [CONFIG ...]
"""

import argparse
from functools import partial

import torch
from timing import compare

from poselifter.apis import init_model
from poselifter.structures import WindowPolicy

CONFIGS = ('videopose3d/h36m_243', 'poseformer/h36m_81', 'pstmo/h36m_s_81', 'pstmo/h36m_s_243')


def window_by_window(model: torch.nn.Module, sequence: torch.Tensor) -> torch.Tensor:
    """The pose of every frame from a window of its own, edges repeated."""
    length = getattr(model.backbone, 'field', model.backbone.num_frames)
    rows = torch.from_numpy(
        WindowPolicy(length, stride=1, outputs=1, dilation=model.window.dilation).cut(len(sequence)).inputs
    )
    poses = torch.cat([model.pose(sequence[row][None])[:, 0] for row in rows])
    return model.codec.decode(poses, zero_root=model.zero_root)


def main() -> None:
    """Checks that both agree, then times them on fewer frames and more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='*', default=CONFIGS)
    parser.add_argument('--frames', type=int, default=1000)
    args = parser.parse_args()
    print('| model | difference | window by window / ours |\n| --- | ---: | ---: |')
    for name in args.configs:
        torch.manual_seed(0)
        model = init_model(f'configs/{name}.py', cfg_options={'model.test_cfg.flip_test': False}).eval()
        sequence = torch.rand(args.frames, model.backbone.num_joints, model.backbone.in_channels)
        with torch.inference_mode():
            difference = (model.lift([sequence])[0] - window_by_window(model, sequence)).abs().max().item()
            ours, plain = compare(partial(model.lift, [sequence]), partial(window_by_window, model, sequence), rounds=1)
        print(f'| {name} | {difference:.1e} | {plain / ours:.1f} |', flush=True)


if __name__ == '__main__':
    main()

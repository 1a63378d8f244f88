"""Poses, classes and embeddings from one pass of a backbone against a model for each, of the same weights.

usage: python benchmarks/multitask.py [CONFIG] [--frames 270] [--rounds 7] [--threads 1]

The models for one task read the same windows: the one that lifts as it does alone, the others the windows as clips.
"""

import argparse

import torch
from mmengine.config import Config
from timing import compare

from poselifter.apis import init_model
from poselifter.structures import MotionDataSample


def main() -> None:
    """Checks that all agree, then times them, with and without mirrored clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', default='configs/motionbert/multitask_procedural.py')
    for name, value in (('frames', 270), ('rounds', 7), ('threads', 1)):
        parser.add_argument(f'--{name}', type=int, default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    together = init_model(args.config)
    alone = []
    for name, head in together.cfg.model.heads.items():
        config = Config.fromfile(args.config)
        config.model.heads = {name: head}
        alone.append(init_model(config))
        alone[-1].load_state_dict(together.state_dict(), strict=False)
    sequence = torch.rand(args.frames, together.codec.skeleton.num_joints, 3)
    clips = [sequence[rows] for rows in together.window.cut(args.frames).inputs]

    def read(model: torch.nn.Module) -> dict[str, torch.Tensor]:
        inputs = [sequence] if 'pose' in model.heads else clips
        predictions = model.predict(inputs, [MotionDataSample() for _ in inputs])
        return {key: torch.stack([sample.get(key) for sample in predictions]).mean(0) for key in predictions[0].keys()}

    for flip in (False, True):
        for model in (together, *alone):
            model.flip_test = flip
        with torch.inference_mode():
            one, three = read(together), {k: v for model in alone for k, v in read(model).items()}
            difference = max(float((one[key] - three[key]).abs().max()) for key in one)
            ours, apart = compare(lambda: read(together), lambda: [read(m) for m in alone], rounds=args.rounds)
        print(
            f'{len(clips)} windows, {"with" if flip else "without"} mirrored clips: greatest difference '
            f'{difference:.1e}; {len(alone)} models / one = {apart / ours:.2f}'
        )


if __name__ == '__main__':
    main()

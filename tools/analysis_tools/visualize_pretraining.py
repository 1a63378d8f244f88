"""Draws masked or corrupted inputs of pretraining and the reconstructions, on clips of the config's training data.

    python tools/analysis_tools/visualize_pretraining.py configs/pstmo/pretrain_cmu_27.py CHECKPOINT --clips 4

Masked pose modelling: masked 2D, recovered 2D, truth. 2D-to-3D pretraining: corrupted 2D, clean 2D, predicted 3D with
the truth in grey. Context pretraining predicts features: its error at each masked token, and the mask. Prints the mean
error at hidden and at visible places.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from inspection.charts import save_maps
from inspection.options import inspection_parser, open_model
from inspection.rows import figure_row, keypoint_rows
from torch import nn

from poselifter.datasets import ConcatDataset
from poselifter.datasets.transforms import PackPose
from poselifter.datasets.transforms.noise import present_joints
from poselifter.engine.tool import positive
from poselifter.errors import InputError, run_program
from poselifter.models.estimators import ContextPretrainer, MaskedPosePretrainer, MotionEstimator
from poselifter.skeletons import get_skeleton
from poselifter.structures import MotionDataSample, frame_axis
from poselifter.visualization.picture import save_frames

# of a clip: error (T, K); which of these places were hidden, and which count, both bool
Result = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw_clip(dataset: Any, number: int, seed: int) -> dict[str, Any]:
    """A sample before it is packed, at random by ``number`` and ``seed``; ``clean`` is its input before corruption.

    Sources of a mixture take turns; padded frames are left out.
    """
    sources = dataset.datasets if isinstance(dataset, ConcatDataset) else [dataset]
    source = sources[number % len(sources)]
    index = int(np.random.default_rng([seed, number]).integers(len(source)))
    [sample] = source.samples([seed * len(source) + index])  # the seed in the place of the epoch: fixed draws
    clean = {}
    for step in source.pipeline.transforms:
        if isinstance(step, PackPose):
            break
        if step.corrupts and not clean:
            clean = {'clean': sample['inputs'].copy()}
        sample = step(sample)
    sample = {'clean': sample['inputs'], **sample, **clean}
    valid = np.flatnonzero(sample.get('valid', np.ones(len(sample['clean']), bool)))
    axes = {key: -3 if key == 'clean' else frame_axis(key) for key in sample}
    return {**sample, **{key: sample[key].take(valid, axis) for key, axis in axes.items() if axis is not None}}


def masked_pose(model: MaskedPosePretrainer, sample: dict[str, Any], path: Path, count: int) -> Result:
    """Masked 2D in, recovered 2D out, truth; distances in the units that the network sees."""
    inputs, hidden, present = sample['inputs'], sample['mask'], present_joints(sample['clean'])[..., 0]
    clips, mask = batch_of(model, inputs), batch_of(model, hidden)
    recovered = model(clips, MotionDataSample(mask=mask))[0, ..., :2].cpu().numpy()
    truth = model.describe(clips, mask)[0, ..., :2].cpu().numpy()
    rows = {'masked 2D': (truth, present & ~hidden), 'recovered 2D': (recovered, present | hidden)}
    rows = keypoint_rows(sample['skeleton'], {**rows, 'truth': (truth, present)}, hidden)
    save_frames(path, rows, spread(len(truth), count), False)
    return np.linalg.norm(recovered - truth, axis=-1), hidden, present


def lifted(model: MotionEstimator, sample: dict[str, Any], path: Path, count: int) -> Result:
    """Corrupted and clean 2D, predicted 3D with the truth; distances in the codec's unit, of clips with 3D labels."""
    pose = model.pose(batch_of(model, sample['inputs']))[0].cpu().numpy()
    kept = model.output_frames(len(sample['inputs']))[model.feature_of('pose')].numpy()
    inputs, clean = sample['inputs'][kept], sample['clean'][kept]
    present = present_joints(clean)[..., 0]
    hidden = present & ~inputs.any(-1)
    target = sample['target'][kept] if 'target' in sample else None
    error, counted = np.zeros(pose.shape[:-1]), np.zeros(pose.shape[:-1], bool)
    if target is not None:
        error, counted = np.linalg.norm(pose - target, axis=-1), sample['target_weight'][kept] > 0
    seen, solid = get_skeleton(sample['skeleton']), model.codec.skeleton_3d
    shown = np.where(hidden[..., None], clean, inputs)[..., :2]
    flat = {'corrupted 2D': (shown, present & ~hidden), 'clean 2D': (clean[..., :2], present)}
    rows = keypoint_rows(seen.name, flat, hidden)
    rows['predicted 3D' + ('' if target is None else ', truth in grey')] = figure_row(pose, solid.name, target)
    save_frames(path, rows, spread(len(pose), count), target is not None)
    if seen.joint_names != solid.joint_names:  # other joints: a place is hidden where the whole frame is
        hidden, present = (np.repeat(part[:, None], pose.shape[1], 1) for part in (hidden.all(1), present.any(1)))
    return error, hidden, counted & present


def context(model: ContextPretrainer, sample: dict[str, Any], path: Path, count: int) -> Result:
    """The loss of each token under the first of the clip's masks, in every frame."""
    clips, mask = batch_of(model, sample['inputs']), batch_of(model, sample['masks'][0])
    student, target = model.backbone.encode(model.corrupt(clips, mask)), model.targets(clips)
    error = ((student - target) ** 2).mean(-1)[0].cpu().numpy() * target.shape[-1] ** -0.5
    joints = error.shape[1] == mask.shape[2]
    hidden = sample['masks'][0] if joints else sample['masks'][0].all(-1, keepdims=True)
    names = get_skeleton(sample['skeleton']).joint_names if joints else ['frame']
    maps = {
        'error at hidden tokens': np.where(hidden, error, np.nan).T,
        'error at visible tokens': np.where(hidden, np.nan, error).T,
        'mask, 1 where hidden': hidden.T.astype(float),
    }
    save_maps(path, maps, f'{sample.get("sequence", "")}: student against teacher', (names, None))
    return error, hidden, np.ones_like(hidden)


def batch_of(model: nn.Module, array: np.ndarray) -> torch.Tensor:
    """One clip as a batch, on the device of the model."""
    return torch.from_numpy(array)[None].to(next(model.parameters()).device)


def spread(length: int, count: int) -> np.ndarray:
    """Numbers of at most ``count`` frames, spread over a clip."""
    return np.unique(np.linspace(0, length - 1, count).round().astype(int))


KINDS = {
    MaskedPosePretrainer: (masked_pose, 'mask', 'network units'),
    ContextPretrainer: (context, 'masks', 'the loss'),
    MotionEstimator: (lifted, 'inputs', None),
}


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'pretraining')
    parser.add_argument('--clips', type=positive, default=4, metavar='N', help='how many clips; 4 by default')
    parser.add_argument('--frames', type=positive, default=7, metavar='K', help='frames drawn of a clip; 7 by default')
    parser.add_argument('--seed', type=int, default=0, help='which clips, and how they are corrupted; 0 by default')
    args = parser.parse_args(argv)
    if args.seed < 0:
        raise InputError(f'--seed is {args.seed}, expected 0 or more')
    model, dataset = open_model(args, 'train')
    kind = next((KINDS[cls] for cls in KINDS if isinstance(model, cls)), None)
    if kind is None or (kind[0] is lifted and 'pose' not in model.heads):
        raise InputError(f'{type(model).__name__} recovers neither 2D, nor 3D, nor features; give a pretraining config')
    show, key, unit = kind
    unit = unit or (model.codec and model.codec.unit) or 'network units'
    torch.manual_seed(args.seed)
    sums = np.zeros((2, 2))  # of errors, and their number; at hidden and at visible places
    for number in range(args.clips):
        sample = draw_clip(dataset, number, args.seed)
        if key not in sample:
            raise InputError(f'{type(model).__name__} needs {key!r}, which no step of the training pipeline makes')
        path = Path(args.out) / f'clip_{number:02}.png'
        error, hidden, counted = show(model, sample, path, args.frames)
        if show is not context:  # whose chart says so itself
            print(f'wrote {path}')
        places = (hidden & counted, ~hidden & counted)
        sums += [[error[place].sum() for place in places], [place.sum() for place in places]]
    for name, total, count in zip(('hidden', 'visible'), *sums, strict=True):
        mean = f'{total / count:.4f}' if count else 'none'
        print(f'mean error at {count:.0f} {name} places: {mean} ({unit})')


if __name__ == '__main__':
    run_program(main)

"""Checks the data set of a config before hours of training: counts, shapes, NaN, left and right, units, a picture.

    python tools/misc/check_dataset.py configs/mixste/cmu_27.py [--split train|val|test] [--out sample.png]

Ends with exit status 2 and one sentence where something is wrong for sure, and warns where it only looks odd.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poselifter.datasets.transforms import Encode
from poselifter.engine.tool import ToolParser, config_errors, load_dataset, read_config
from poselifter.errors import InputError, run_program
from poselifter.io import write_results
from poselifter.skeletons import Skeleton, get_skeleton
from poselifter.structures import KeypointTable, Result, check_sample

_PAIRS = (('left_hip', 'right_hip'), ('left_shoulder', 'right_shoulder'))


def describe_2d(sample: dict[str, Any]) -> list[str]:
    """Lines about the keypoints of a sample."""
    xy, seen = sample['keypoints'], sample['keypoints_visible'] > 0
    lines = [f'keypoints {xy.shape} of {sample["skeleton"]}, {100 * seen.mean():.1f} % visible']
    if not np.isfinite(xy[seen]).all():
        raise InputError(f'{sample["sequence"]}: visible keypoints are not finite; mend the source')
    spread = np.ptp(xy[seen], axis=0).max() if seen.any() else 0
    if spread < 4:
        lines.append(f'warning: they lie within {spread:.2f}; keypoints are pixels, these look normalised')
    if 'img_shape' in sample:
        height, width = sample['img_shape']
        inside = ((xy >= 0) & (xy <= [width, height])).all(-1)[seen].mean()
        lines.append(f'picture {width} x {height}, {100 * inside:.1f} % of the keypoints inside')
        if inside < 0.5:
            lines.append('warning: most keypoints are outside; img_shape is (height, width)')
    return lines + sides(xy, get_skeleton(sample['skeleton']))


def describe_3d(poses: np.ndarray, skeleton: Skeleton) -> list[str]:
    """Lines about 3D poses (T, K, 3)."""
    if not np.isfinite(poses).all():
        raise InputError('3D poses are not finite; mend the source')
    lines = [f'3D poses {poses.shape} of {skeleton.name}']
    if skeleton.bones:
        parents, children = map(list, zip(*skeleton.bones, strict=True))
        lengths = np.median(np.linalg.norm(poses[:, children] - poses[:, parents], axis=-1), axis=0)
        lines.append(f'bones {100 * lengths.min():.0f} to {100 * lengths.max():.0f} cm')
        if not 0.15 < lengths.max() < 1.2:
            lines.append(f'warning: the longest bone is {lengths.max():.3g} m; 3D is metres')
        length_to = dict(zip(children, lengths, strict=True))
        for left, right in zip(skeleton.left, skeleton.right, strict=True):
            a, b = length_to.get(left, 0), length_to.get(right, 0)
            if min(a, b) < 0.85 * max(a, b) and {left, right} <= length_to.keys():
                pair = f'{skeleton.joint_names[left]} and {skeleton.joint_names[right]}'
                lines.append(f'warning: the bones to {pair} are {a:.2f} and {b:.2f} m; joints swapped?')
    return lines + sides(poses, skeleton)


def sides(points: np.ndarray, skeleton: Skeleton) -> list[str]:
    """Checks that hips and shoulders agree on which side is left; (T, J, C)."""
    names = list(skeleton.joint_names)
    if not all(name in names for pair in _PAIRS for name in pair):
        return []
    hips, shoulders = (points[:, names.index(a)] - points[:, names.index(b)] for a, b in _PAIRS)
    agree = float(((hips * shoulders).sum(-1) > 0).mean())
    line = f'hips and shoulders agree on left and right in {100 * agree:.0f} % of the frames'
    return [line if agree > 0.8 else f'warning: {line}; left and right may be swapped']


def sample_before(kind: type, dataset: Any, index: int) -> dict[str, Any]:
    """A sample after all steps before one of a kind: before ``Encode`` as read, or mocap as its camera sees it."""
    [sample] = dataset.samples([index])
    for step in dataset.pipeline.transforms:
        if isinstance(step, kind):
            break
        sample = step(sample)
    return sample


def check(dataset: Any, out: str | None = None) -> list[str]:
    """Checks a loaded data set, and draws a sample into the PNG ``out``; returns lines on what was seen.

    Raises:
        InputError: something is wrong for sure.
    """
    infos = {i: dataset.get_data_info(i) for i in np.unique(dataset.windows[:, 0]).tolist()}
    lengths = [info['length'] for info in infos.values()]
    lines = [
        f'{type(dataset).__name__}: {len(lengths)} sequences, {sum(lengths):,} frames, {len(dataset):,} samples',
        f'lengths {min(lengths)} to {max(lengths)} frames',
        *class_counts(infos, dataset.windows[:, 0].tolist()),
    ]
    for index in np.linspace(0, len(dataset) - 1, 5).astype(int):
        sample = sample_before(Encode, dataset, int(index))
        try:
            check_sample(sample)
        except ValueError as error:
            raise InputError(f'sample {index} ({sample.get("sequence")}): {error}') from error
    lines.append(f'sample of {sample.get("sequence")!r}, {sample.get("fps")} frames a second')
    if 'keypoints' in sample:
        if sample['keypoints'].ndim == 4:
            lines.append(f'{len(sample["keypoints"])} persons; of the first')
        sample = first_person(sample)
        lines += describe_2d(sample)
    poses = sample.get('lifting_target', sample.get('world_keypoints'))
    if poses is not None:
        lines += describe_3d(poses, get_skeleton(sample['skeleton_3d']))
    dataset[int(index)]
    lines.append('the pipeline runs')
    if out is not None:
        lines.append(draw(sample, out))
    return lines


def class_counts(infos: Mapping[int, dict[str, Any]], drawn: list[int]) -> list[str]:
    """A line for each class: its sequences, its subjects, and its samples, whose sequences are ``drawn``."""
    samples, lines = Counter(infos[i].get('action_name') for i in drawn), []
    for name, count in samples.most_common():
        subjects = [info.get('subject', '') for info in infos.values() if info.get('action_name') == name]
        if name:
            lines.append(f'  {name}: {len(subjects)} sequences of {len(set(subjects))} subjects, {count:,} samples')
    return lines


def first_person(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample of several persons as one of the first of them."""
    keys = [key for key in ('keypoints', 'keypoints_visible', 'inputs') if key in sample]
    return {**sample, **{key: sample[key][0] for key in keys}} if 'present' in sample else sample


def unit_figure(points: np.ndarray) -> np.ndarray:
    """A root-relative figure (T, J, 3) of size 1 from points (T, J, 2 or 3); of 2D ones it is flat."""
    points = np.nan_to_num(points - points[:, :1])
    points = np.pad(points, [(0, 0), (0, 0), (0, 3 - points.shape[-1])])
    return points / max(float(np.abs(points).max()), 1e-6)


def draw(sample: dict[str, Any], out: str) -> str:
    """Draws a sample; returns a line about it."""
    poses = sample.get('lifting_target')
    figure = unit_figure(sample['keypoints']) if poses is None else poses - poses[:, :1]
    metadata = {'skeleton': sample['skeleton'], 'img_shape': sample.get('img_shape')}
    table = KeypointTable.of_person(sample['keypoints'], sample['keypoints_visible'], **metadata)
    result = Result(table, figure, sample['skeleton'] if poses is None else sample['skeleton_3d'])
    path = Path(out)
    write_results(path.with_suffix(''), result, [path.suffix[1:].lower()])
    return f'drawn: {out}' + (' (2D alone, so its figures are flat)' if poses is None else '')


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = ToolParser(__doc__)
    parser.add_config()
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--out', metavar='PNG', help='draw a sample')
    args = parser.parse_args(argv)
    config = read_config(args)
    dataset = load_dataset(config, args.split)
    with config_errors(config):
        for head in config.get('model', {}).get('heads', {}).values():
            if 'num_classes' in head:
                dataset.check_classes(head['num_classes'])
    print('\n'.join(check(dataset, args.out)))


if __name__ == '__main__':
    run_program(main)

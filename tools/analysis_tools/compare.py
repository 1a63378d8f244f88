"""Draws what several models predict for the same sequences beside each other, and the truth.

    python tools/test.py configs/mixste/h36m_243.py A.pth --dump a.pkl
    python tools/test.py configs/poseformer/h36m_81.py B.pth --dump b.pkl
    python tools/analysis_tools/compare.py MixSTE=a.pkl PoseFormer=b.pkl --out comparison --sequences 'S11/Photo*'

Writes how the MPJPE of frames is distributed (``distribution.png``), the error of each joint with left and right
together and the variance among these (``joints.png``), the numbers of both (``errors.json``), and frames of each chosen
sequence: the keypoints where the first file has them, then a row a model over the truth in grey.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from evaluate_predictions import dumped_table, read_dump
from inspection.charts import save_distributions, save_groups

import poselifter
from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.evaluation.functional.distances import joint_distances
from poselifter.evaluation.metrics import PROTOCOLS, PoseMetric
from poselifter.skeletons import Skeleton, get_skeleton
from poselifter.utils import safe_name, write_json
from poselifter.visualization.drawing import write
from poselifter.visualization.panels import COLOURS, FigurePanel, KeypointPanel
from poselifter.visualization.picture import FINE, Draw, save_frames

Dump = dict[str, dict[str, Any]]
SIZE, TEXT = (300 * FINE, 320 * FINE), 13 * FINE
NEEDED = ('pred_keypoints_3d', 'lifting_target', 'lifting_target_visible')


def read_dumps(files: list[str]) -> dict[str, Dump]:
    """The sequences that all files of ``tools/test.py --dump`` have, by the model's name and the sequence's.

    A file is given as ``NAME=FILE``; without a name it has the file's.

    Raises:
        InputError: two names are the same, files have no sequence in common, or one of other frames or another joint
            set.
    """
    dumps: dict[str, Dump] = {}
    for text in files:
        name, _, path = text.rpartition('=')
        name = name or Path(path).stem
        if name in dumps:
            raise InputError(f'two files are named {name!r}; name them by NAME=FILE')
        dumps[name] = read_dump(Path(path))
    first = next(iter(dumps.values()))
    common = [key for key in first if all(key in dump for dump in dumps.values())]
    if not common:
        heads = '; '.join(f'{name}: {", ".join(list(dump)[:2])}' for name, dump in dumps.items())
        raise InputError(f'the files have no sequence in common ({heads}); dump models on the same test data')
    for name, dump in dumps.items():
        for key in common:
            if any(dump[key].get(part) is None for part in NEEDED):
                raise InputError(f'{name}: {key} lacks one of {", ".join(NEEDED)}; dump a model with a pose head')
            for value, text in ((_joint_set, 'joint set'), (_length, 'number of frames')):
                if value(dump[key]) != value(first[key]):
                    raise InputError(
                        f'{name}: the {text} of {key} is {value(dump[key])}, in the first file {value(first[key])}; '
                        f'dump models on the same test data'
                    )
    print(f'{len(common)} sequences are in all files, which have {", ".join(str(len(d)) for d in dumps.values())}')
    return {name: {key: dump[key] for key in common} for name, dump in dumps.items()}


def _joint_set(sample: Mapping[str, Any]) -> str:
    return sample.get('skeleton_3d') or 'h36m17'


def _length(sample: Mapping[str, Any]) -> int:
    return len(sample['lifting_target'])


@dataclass(frozen=True)
class Errors:
    """Errors of a model over all sequences, mm, as a protocol counts them.

    Attributes:
        frames: (N,) MPJPE of each frame.
        weights: (N,) of the frames.
        joints: mean distance by joint, left and right together; without the root where the protocol sets it to zero.
    """

    frames: np.ndarray
    weights: np.ndarray
    joints: dict[str, float]

    @classmethod
    def of(cls, dump: Dump, metric: PoseMetric) -> 'Errors':
        """Those of a file."""
        frames, weights, sums = [], [], []
        for sample in dump.values():
            slots = metric.slots(sample)
            values, counted = joint_distances(slots.pred, slots.target, slots.counted)
            seen = counted.any(-1)
            values, counted, weight = np.where(counted, values, 0)[seen], counted[seen], slots.weights[seen]
            frames.append(values.sum(-1) / counted.sum(-1))
            weights.append(weight)
            sums.append(np.stack([weight @ values, weight @ counted]))
        skeleton, total, joints = get_skeleton(_joint_set(next(iter(dump.values())))), np.sum(sums, 0), {}
        for name, members in merged_joints(skeleton, with_root=metric.protocol.root == 'keep').items():
            value, count = total[:, members].sum(-1)
            joints[name] = float(value / max(count, 1))
        return cls(np.concatenate(frames), np.concatenate(weights), joints)

    def figures(self) -> dict[str, Any]:
        """Mean over frames, percentages of frames, and by joint."""
        measures = {'mean': self.frames, 'under30': 100 * (self.frames < 30), 'over40': 100 * (self.frames >= 40)}
        means = {name: float(np.average(values, weights=self.weights)) for name, values in measures.items()}
        return {**means, 'joints': self.joints, 'variance': float(np.var(list(self.joints.values())))}


def merged_joints(skeleton: Skeleton, with_root: bool) -> dict[str, list[int]]:
    """Joints by name without its side, ``{'knee': [2, 5], ...}``, in the skeleton's order."""
    merged: dict[str, list[int]] = {}
    for i, name in enumerate(skeleton.joint_names):
        if with_root or i != skeleton.root:
            merged.setdefault(name.removeprefix('left_').removeprefix('right_'), []).append(i)
    return merged


def save_poses(path: Path, samples: Mapping[str, dict[str, Any]], count: int) -> None:
    """Draws frames of one sequence: keypoints, then a row a model over the truth; all rows have one scale."""
    metric, first = PoseMetric(), next(iter(samples.values()))
    skeleton, slots = get_skeleton(_joint_set(first)), [metric.slots(sample) for sample in samples.values()]
    target = slots[0].target / 1000
    shown = np.flatnonzero(np.all([part.counted.any(-1) for part in slots], 0))
    if not len(shown):
        raise InputError(f'no frame of {path.stem} is predicted by all and has a label; choose other --sequences')
    chosen = shown[np.unique(np.linspace(0.04, 0.96, count) * (len(shown) - 1)).round().astype(int)]
    poses = np.concatenate([part.pred[shown] / 1000 for part in slots])
    panel = FigurePanel(poses, skeleton, SIZE, truth=np.concatenate([target[shown]] * len(slots)))
    rows: dict[str, Draw] = {}
    if first.get('keypoints') is not None:
        rows['2D keypoints'] = KeypointPanel(dumped_table(first), SIZE).draw
    for number, (name, part) in enumerate(zip(samples, slots, strict=True)):
        values, counted = joint_distances(part.pred, part.target, part.counted)
        errors = np.average(values, axis=-1, weights=np.where(counted.any(-1, keepdims=True), counted, 1))
        rows[f'{name} ({errors[shown].mean():.1f} mm)'] = _row(panel, errors, shown, number)
    caption = f'{panel.caption}  ·  MPJPE of the sequence and of frames, mm'
    save_frames(path, rows, chosen.tolist(), True, caption)
    print(f'wrote {path}')


def _row(panel: FigurePanel, errors: np.ndarray, shown: np.ndarray, number: int) -> Draw:
    """Function that draws a frame of the ``number``-th model, with its error in a corner."""

    def draw(frame: int) -> np.ndarray:
        canvas = panel.draw(number * len(shown) + int(np.searchsorted(shown, frame)))
        write(canvas, f'{errors[frame]:.0f} mm', (SIZE[0] - 5 * TEXT, SIZE[1] - 2 * TEXT), TEXT, COLOURS['muted'])
        return canvas

    return draw


def main(argv: list[str] | None = None) -> None:
    """Draws."""
    parser = ToolParser(__doc__)
    parser.add_argument('dumps', nargs='+', metavar='NAME=FILE', help='files of tools/test.py --dump')
    parser.add_argument('--out', required=True, type=Path, metavar='DIR', help='folder for the pictures')
    parser.add_argument('--protocol', default='clean', choices=PROTOCOLS, help='of the two charts')
    parser.add_argument(
        '--sequences', nargs='+', metavar='PATTERN', help="such as 'S11/Photo*'; the first 3 by default"
    )
    parser.add_argument('--frames', type=int, default=5, help='frames of a sequence (default: %(default)s)')
    args = parser.parse_args(argv)
    poselifter.register_all_modules()
    dumps = read_dumps(args.dumps)
    names = list(next(iter(dumps.values())))
    patterns = args.sequences or names[:3]
    chosen = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    if not chosen or args.frames < 1:
        raise InputError(f'{args.frames} frames of {patterns} are none to draw; sequences are named {names[:3]}')
    metric = PoseMetric(args.protocol)
    errors = {name: Errors.of(dump, metric) for name, dump in dumps.items()}
    figures = {name: entry.figures() for name, entry in errors.items()}
    write_json(args.out / 'errors.json', figures)
    title = f'{len(names)} sequences, protocol {args.protocol}'
    frames = {name: (entry.frames, entry.weights) for name, entry in errors.items()}
    save_distributions(args.out / 'distribution.png', frames, f'MPJPE of frames; {title}')
    bars = {name: {**entry['joints'], 'variance / 10, mm²': entry['variance'] / 10} for name, entry in figures.items()}
    head = f'Error by joint, left and right together; {title}'
    save_groups(args.out / 'joints.png', bars, head, 'mean distance, mm')
    for key in chosen:
        save_poses(args.out / f'{safe_name(key)}.png', {name: dump[key] for name, dump in dumps.items()}, args.frames)


if __name__ == '__main__':
    run_program(main)

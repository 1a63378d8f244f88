"""Evaluates a file of predictions, wherever it came from.

    python tools/analysis_tools/evaluate_predictions.py predictions.pkl configs/mixste/h36m_243.py --protocol mixste
    python tools/analysis_tools/evaluate_predictions.py theirs.npz truth.npz --protocol h36m --unit mm --detail

PRED is a file of `tools/test.py --dump`, a result of `poselifter lift` (npz with keypoints_3d), or an npz with one
array (P, K, 3) a sequence, under the sequence's name; where P is not the number of frames, `NAME:frames` (P,) says
which frame each pose stands for. GT is a config, whose test data are used; an npz with one array (T, K, 3) a
sequence, NaN where a joint has no label; or a dump. A name `SUBJECT/TAKE/CAMERA` gives the action: the take's name up
to the first space. Poses are in metres, camera axes, predictions relative to the root.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import poselifter
from poselifter.engine.tool import ToolParser, load_dataset, read_config
from poselifter.errors import InputError, run_program
from poselifter.evaluation.metrics import PROTOCOLS, PoseMetric
from poselifter.skeletons import get_skeleton
from poselifter.structures import KeypointTable
from poselifter.utils import write_json
from poselifter.utils.arrays import load_arrays
from poselifter.utils.safe_pickle import load_pickle

CLEAN = 'h36m'  # the name of the clean protocol on the command line, beside its own
SKELETONS = {'mpi_inf_3dhp': 'mpi_inf_3dhp17', 'humaneva': 'humaneva15'}
Samples = dict[str, dict[str, Any]]


def by_name(samples: list[Any]) -> Samples:
    """Samples by sequence, and by sequence and camera where several cameras saw it."""
    names = [str(sample.get('sequence') or '') for sample in samples]
    full = [n if names.count(n) == 1 else f'{n}/{s.get("camera")}' for n, s in zip(names, samples, strict=True)]
    if len(set(full)) < len(full):
        raise InputError(f'{len(full) - len(set(full))} sequences share name and camera with others; name them apart')
    return dict(zip(full, samples, strict=True))


def read_dump(path: Path) -> Samples:
    """Samples of a file of ``tools/test.py --dump``."""
    samples = load_pickle(path)
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise InputError(f'{path} holds no list of dicts, expected a file of tools/test.py --dump')
    return by_name(samples)


def dumped_table(sample: dict[str, Any]) -> KeypointTable:
    """The keypoints of a sample of a dump."""
    known = {key: sample.get(key) for key in ('fps', 'img_shape')}
    known['skeleton'] = sample.get('skeleton') or sample.get('skeleton_3d') or 'h36m17'
    keypoints, scores = np.asarray(sample['keypoints']), sample.get('keypoints_visible')
    return KeypointTable.of_person(keypoints[..., :2], scores, **known)


def read_predictions(path: Path, unit: float) -> Samples:
    """``pred_keypoints_3d``, and ``pred_frames`` where the file has them, of each sequence.

    Args:
        path: a dump, an exchange file, or an npz with one array a sequence.
        unit: of the last, in metres.

    Raises:
        InputError: it is none of these.
    """
    if path.suffix in ('.pkl', '.pickle'):
        keys = ('pred_keypoints_3d', 'pred_frames', 'pred_skeleton')
        samples = {n: {k: s[k] for k in keys if k in s} for n, s in read_dump(path).items()}
        if not all('pred_keypoints_3d' in sample for sample in samples.values()):
            raise InputError(f'{path} has sequences without pred_keypoints_3d; dump them with a pose head')
        return samples
    arrays = load_arrays(path)
    samples = {}
    if 'keypoints_3d' not in arrays:
        for name in (name for name in arrays if not name.endswith(':frames')):
            frames = {'pred_frames': arrays[f'{name}:frames']} if f'{name}:frames' in arrays else {}
            samples[name] = {'pred_keypoints_3d': checked(arrays[name], f'{path}: {name}') * unit, **frames}
        return samples
    poses = checked(arrays['keypoints_3d'], f'{path}: keypoints_3d')
    tracks = arrays.get('track_ids', np.zeros(len(poses), int))
    frames = arrays.get('frame_indices', np.arange(len(poses)))
    metadata = {'pred_skeleton': str(arrays['skeleton_3d'])} if 'skeleton_3d' in arrays else {}
    for track in np.unique(tracks):
        name = path.stem if (tracks == tracks[0]).all() else f'{path.stem}/{track}'
        rows = tracks == track
        samples[name] = {'pred_keypoints_3d': poses[rows], 'pred_frames': frames[rows], **metadata}
    return samples


def read_truth(args: argparse.Namespace, unit: float, skeleton: str) -> Samples:
    """Samples with ``lifting_target`` and metadata, by sequence.

    Args:
        args: with ``config``: a config, an npz with one array a sequence, or a dump.
        unit: of the npz, in metres.
        skeleton: joint set of the npz.

    Raises:
        InputError: it is none of these.
    """
    path = args.config
    if path.suffix == '.py':
        dataset = load_dataset(read_config(args), 'test')
        return by_name([dataset[i]['data_samples'] for i in range(len(dataset))])
    if path.suffix in ('.pkl', '.pickle'):
        return read_dump(path)
    samples = {}
    for name, array in load_arrays(path).items():
        poses = checked(array, f'{path}: {name}') * unit
        *subject, take, _ = name.split('/') if name.count('/') > 1 else (*name.split('/'), '')
        samples[name] = {'lifting_target': poses, 'lifting_target_visible': np.isfinite(poses).all(-1)}
        samples[name]['skeleton_3d'] = get_skeleton(skeleton).name
        if subject:
            samples[name] |= {'subject': subject[-1], 'action_name': take.split(' ')[0]}
    return samples


def checked(array: np.ndarray, where: str) -> np.ndarray:
    """The poses of a sequence, float64."""
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype.kind not in 'fiu':
        raise InputError(f'{where} has shape {array.shape} and type {array.dtype}, expected numbers (T, K, 3)')
    return array.astype(np.float64)


def join(predictions: Samples, truth: Samples, partial: bool = False) -> list[dict[str, Any]]:
    """Each sequence of the truth with its prediction; single ones belong together, whatever their names.

    Raises:
        InputError: a sequence has no prediction, and ``partial`` does not allow it; or none has.
    """
    if len(predictions) == len(truth) == 1:
        predictions = dict(zip(truth, predictions.values(), strict=True))
    missing = [name for name in truth if name not in predictions]
    if len(missing) == len(truth) or (missing and not partial):
        raise InputError(
            f'{len(missing)} of {len(truth)} sequences have no prediction, {missing[0]!r} for one; the predictions are '
            f'named {list(predictions)[:3]}; name them alike, or evaluate the others alone with --partial'
        )
    keys = ('lifting_target', 'lifting_target_visible', 'skeleton_3d', 'action_name', 'subject', 'source_format')
    joined = []
    for name in (name for name in truth if name in predictions):
        labels = {key: truth[name].get(key) for key in keys if truth[name].get(key) is not None}
        joined.append({'sequence': name, **labels, **predictions[name]})
    return joined


def main(argv: list[str] | None = None) -> None:
    """Prints the tables."""
    parser = ToolParser(__doc__)
    parser.add_argument('predictions', metavar='PRED', type=Path, help='dump, result of lift, or npz of arrays')
    parser.add_config(metavar='GT', type=Path, help='config, npz of arrays, or dump')
    parser.add_argument('--protocol', default=CLEAN, choices=[CLEAN, *PROTOCOLS], help=f'{CLEAN} is the clean one')
    parser.add_argument('--metrics', nargs='+', help="those of PoseMetric; by default the protocol's")
    parser.add_argument('--group-by', nargs='+', help="metadata of a sequence; by default the protocol's")
    parser.add_argument('--detail', action='store_true', help='errors by joint, fractions of poses, variances')
    parser.add_argument('--clip-len', type=int, help='frames of a clip, for motionagformer')
    parser.add_argument('--unit', choices=['m', 'mm'], default='m', help='of npz files with one array a sequence')
    parser.add_argument('--skeleton', help='joint set of such files; h36m17 unless the protocol has another')
    parser.add_argument('--subtract-root', action='store_true', help='make predictions root-relative first')
    parser.add_argument('--partial', action='store_true', help='leave out sequences without a prediction')
    parser.add_argument('--out', metavar='METRICS.json', help='write the metrics to this file')
    args = parser.parse_args(argv)
    poselifter.register_all_modules()
    protocol = 'clean' if args.protocol == CLEAN else args.protocol
    metric = PoseMetric(protocol, args.metrics, args.group_by, args.detail, args.clip_len)
    unit, skeleton = {'m': 1.0, 'mm': 1e-3}[args.unit], args.skeleton or SKELETONS.get(protocol, 'h36m17')
    truth = read_truth(args, unit, skeleton)
    samples = join(read_predictions(args.predictions, unit), truth, args.partial)
    if args.subtract_root:
        for sample in samples:
            root, poses = get_skeleton(sample.get('skeleton_3d', skeleton)).root, sample['pred_keypoints_3d']
            sample['pred_keypoints_3d'] = poses - poses[:, root : root + 1]
    metric.process(None, samples)
    figures, texts = metric.report(metric.results)
    print('\n\n'.join(texts))
    print(f'\n{len(samples)} of {len(truth)} sequences')
    if args.out:
        prefix = f'{metric.prefix}/' if metric.prefix else ''
        write_json(args.out, {prefix + key: value for key, value in figures.items()})


if __name__ == '__main__':
    run_program(main)

"""Draws fusion weights of a layer's two streams: by action, by joint, correlated between joints (MotionBERT).

    python tools/analysis_tools/visualize_fusion.py configs/motionbert/cmu_27.py CHECKPOINT --layer 3

The weight is that of the first stream (DSTformer: space before time; MotionAGFormer: attention) in each token of the
test data. Writes ``weights.png``, ``correlation.png`` and the numbers, ``fusion.json``.
"""

from pathlib import Path
from typing import Any

import numpy as np
from inspection.charts import save_bars, save_maps
from inspection.options import inspection_parser, open_model
from inspection.weights import fusion_weights, layers_with
from tqdm import tqdm

from poselifter.engine.tool import positive
from poselifter.errors import run_program
from poselifter.models.necks import AdaptiveFusion
from poselifter.skeletons import get_skeleton
from poselifter.utils import write_json
from poselifter.visualization.styles import THEMES


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation."""
    return round(float(values.mean()), 6), round(float(values.std()), 6)


def summary(weights: list[np.ndarray], actions: list[str], joints: tuple[str, ...]) -> dict[str, Any]:
    """Numbers about the weights (T_i, J) of sequences.

    Returns:
        ``frames``; ``mean``; mean and standard deviation over frames ``by_action`` (of a frame's mean joint) and
        ``by_joint``; ``correlation`` (J, J) over frames, ``None`` for a joint whose weight never changes.
    """
    frames = np.concatenate(weights).astype(np.float64)
    names = np.repeat(actions, [len(w) for w in weights])
    with np.errstate(invalid='ignore', divide='ignore'):
        correlation = np.corrcoef(frames.T).round(6)
    return {
        'frames': len(frames),
        'mean': round(float(frames.mean()), 6),
        'by_action': {name: moments(frames[names == name].mean(1)) for name in sorted({*actions})},
        'by_joint': {name: moments(column) for name, column in zip(joints, frames.T, strict=True)},
        'correlation': np.where(np.isfinite(correlation), correlation, None).tolist(),
    }


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'fusion')
    parser.add_argument('--layer', type=int, default=3, metavar='N', help='layer, from 1; 3 by default')
    parser.add_argument('--clips', type=positive, metavar='N', help='so many clips, spread over the data; else all')
    args = parser.parse_args(argv)
    model, dataset = open_model(args, 'test', 'train')
    [(name, part)] = layers_with(model.backbone, AdaptiveFusion, [args.layer]).items()
    count = min(args.clips or len(dataset), len(dataset))
    weights, actions = [], []
    for index in tqdm(np.linspace(0, len(dataset) - 1, count).astype(int).tolist(), unit='clip', disable=None):
        item = dataset[index]
        weights.append(fusion_weights(model, part, item['inputs']))
        actions.append(item['data_samples'].get('action_name') or 'no name')
    skeleton, out = get_skeleton(item['data_samples'].skeleton), Path(args.out)
    numbers = summary(weights, actions, skeleton.joint_names)
    sides = [THEMES['light'][side] for side in skeleton.sides]
    charts = {'by action': (numbers['by_action'], '#2f6fb3'), 'by joint': (numbers['by_joint'], sides)}
    frames, layer = f'{numbers["frames"]:,} frames', f'layer {args.layer} ({name})'
    title = f'{layer}: weight of the first stream, mean and deviation of {frames}'
    save_bars(out / 'weights.png', charts, title, numbers['mean'])
    correlation = {frames: np.array(numbers['correlation'], float)}
    title, names = f'{layer}: correlation of the weights of two joints', skeleton.joint_names
    save_maps(out / 'correlation.png', correlation, title, (names, names), (-1, 1))
    write_json(out / 'fusion.json', {'layer': args.layer, **numbers})
    print(f'mean weight of the first stream {numbers["mean"]:.4f}; wrote {out / "fusion.json"}')


if __name__ == '__main__':
    run_program(main)

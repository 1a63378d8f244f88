"""Draws the inputs of the network: samples after all transforms, 2D input above, target below.

python tools/misc/browse_dataset.py configs/mixste/cmu_27.py --output-dir browse/ [--split train] [--max-item 8]
"""

from pathlib import Path
from typing import Any

import numpy as np
from check_dataset import first_person, sample_before, unit_figure
from tqdm import tqdm

from poselifter.datasets.transforms import PackPose
from poselifter.engine.tool import ToolParser, load_dataset, read_config
from poselifter.errors import run_program
from poselifter.io import write_results
from poselifter.structures import KeypointTable, Result
from poselifter.utils import safe_name


def draw(sample: dict[str, Any], stem: Path) -> None:
    """Draws a sample in network space, enlarged to a picture of 1000 pixels; masked joints are not drawn."""
    sample = first_person(sample)
    inputs, target = sample['inputs'], sample.get('target')
    figure = unit_figure(inputs[..., :2] if target is None else target)
    visible, skeleton = (inputs != 0).any(-1), sample['skeleton']
    table = KeypointTable.of_person((inputs[..., :2] + 1) * 500, visible, skeleton=skeleton)
    solid = skeleton if target is None else sample.get('skeleton_3d', skeleton)
    write_results(stem, Result(table, figure, solid), ['png'])


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = ToolParser(__doc__)
    parser.add_config()
    parser.add_argument('--output-dir', type=Path, default=Path('browse'), help='folder for the pictures')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--max-item', type=int, default=8, help='how many samples, spread over the data set')
    parser.add_argument('--epoch', type=int, default=0, help='random transforms differ from epoch to epoch')
    args = parser.parse_args(argv)
    dataset = load_dataset(read_config(args), args.split)
    count = min(args.max_item, len(dataset))
    for index in tqdm(np.linspace(0, len(dataset) - 1, count).astype(int).tolist(), unit='picture'):
        sample = sample_before(PackPose, dataset, args.epoch * len(dataset) + index)
        name = safe_name(sample.get('sequence', 'sample'))
        draw(sample, args.output_dir / f'{index:06d}_{name}')
    print(f'{count} of {len(dataset):,} samples in {args.output_dir}')


if __name__ == '__main__':
    run_program(main)

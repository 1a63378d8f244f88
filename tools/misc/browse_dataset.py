"""Draws what the network sees: samples after all transforms, 2D input above, target below.

python tools/misc/browse_dataset.py configs/mixste/cmu_27.py --output-dir browse/ [--split train] [--max-item 8]
"""

import argparse
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from poselifter.datasets.transforms import PackPose
from poselifter.engine.tool import ToolParser
from poselifter.errors import run_program
from poselifter.io import write_results
from poselifter.structures import KeypointTable, Result


def _check_tool() -> Any:
    """``check_dataset.py`` beside this file; tools are no package."""
    path = Path(__file__).with_name('check_dataset.py')
    spec = importlib.util.spec_from_file_location('check_dataset', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_CHECK = _check_tool()


def draw(sample: dict[str, Any], path: Path) -> None:
    """Draws a sample in network space, enlarged to a picture of 1000 pixels; masked joints are not drawn."""
    sample = _CHECK.first_person(sample)
    inputs, target = sample['inputs'], sample.get('target')
    if target is None:
        figure = _CHECK.flat(inputs[..., :2])
    else:
        figure = (target - target[:, :1]) / max(float(np.abs(target - target[:, :1]).max()), 1e-6)
    visible, skeleton = (inputs != 0).any(-1), sample['skeleton']
    table = KeypointTable.of_person((inputs[..., :2] + 1) * 500, visible, skeleton=skeleton)
    solid = skeleton if target is None else sample.get('skeleton_3d', skeleton)
    write_results(path.with_suffix(''), Result(table, figure, solid), ['png'])


def main(argv: list[str] | None = None) -> None:
    """The command."""
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_config()
    parser.add_argument('--output-dir', type=Path, default=Path('browse'), help='folder for the pictures')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--max-item', type=int, default=8, help='how many samples, spread over the data set')
    parser.add_argument('--epoch', type=int, default=0, help='random transforms differ from epoch to epoch')
    args = parser.parse_args(argv)
    dataset = _CHECK.build_dataset(args.config, args.split, args.cfg_options, args.variant)
    count = min(args.max_item, len(dataset))
    for index in tqdm(np.linspace(0, len(dataset) - 1, count).astype(int).tolist(), unit='picture'):
        sample = _CHECK.sample_before(PackPose, dataset, args.epoch * len(dataset) + index)
        name = re.sub(r'[^\w.-]+', '_', str(sample.get('sequence', 'sample')))
        draw(sample, args.output_dir / f'{index:06d}_{name}.png')
    print(f'{count} of {len(dataset):,} samples in {args.output_dir}')


if __name__ == '__main__':
    run_program(main)

"""Loading a stand-in for Human3.6M's training part, and throughput of clips of 243 frames.

usage: python benchmarks/data.py [--folder DIR] [--workers 2] [--batch 64] [--seconds 8]

The files (1,559,752 frames of all cameras, as VideoPose3D keeps them) are made once, in half a minute. Memory is the
proportional set size of all processes together. The plain loader reads, transforms and copies each clip alone, as
OpenMMLab's loaders do by default: every clip's tensors cross to the trainer by themselves.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))

from toy_datasets.h36m import full_size, write_h36m

from poselifter.datasets import EpochSampler, Human36mDataset, stack_clips

PIPELINE = [
    dict(type='Encode', codec=dict(type='RootRelativeLifting')),
    dict(type='FlipPose'),
    dict(type='MaskMixture'),
    dict(type='PackPose'),
]


class Plain(Dataset):
    """The same clips, one at a time."""

    def __init__(self, dataset: Human36mDataset) -> None:
        self.dataset, self.steps = dataset, dataset.pipeline.transforms

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict:
        """Copies the frames of a clip and runs every transform on it."""
        sample = {
            key: value.copy() if hasattr(value, 'copy') else value
            for key, value in self.dataset.samples([index])[0].items()
        }
        for step in self.steps:
            sample = step(sample)
        return sample


def resident() -> float:
    """Proportional set size of this process and its children, GB."""
    me = os.getpid()
    children = Path(f'/proc/{me}/task/{me}/children').read_text().split()
    lines = [Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines() for pid in (me, *children)]
    return sum(int(line.split()[1]) for text in lines for line in text if line.startswith('Pss:')) / 1e6


def rate(dataset: Dataset, collate: object, args: argparse.Namespace) -> tuple[float, float]:
    """(clips a second, most memory in GB) over some seconds, from the second batch of every worker on."""
    sampler = EpochSampler(dataset)
    loader = DataLoader(dataset, batch_size=args.batch, sampler=sampler, num_workers=args.workers, collate_fn=collate)
    batches, most = iter(loader), 0.0
    for _ in range(2 * args.workers):
        next(batches)
    start = time.perf_counter()
    clips, looked = 0, start
    while time.perf_counter() - start < args.seconds:
        next(batches)
        clips += args.batch
        if time.perf_counter() - looked > args.seconds / 4:
            most, looked = max(most, resident()), time.perf_counter()
    return clips / (time.perf_counter() - start), most


def main() -> None:
    """Prints seconds, gigabytes and clips a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', type=Path, default=Path(tempfile.gettempdir()) / 'h36m_stand_in')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--seconds', type=float, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not (args.folder / 'data_2d_h36m_cpn_ft_h36m_dbb.npz').is_file():
        args.folder.mkdir(parents=True, exist_ok=True)
        write_h36m(args.folder, full_size(), ['cpn_ft_h36m_dbb'])
    settings = dict(data_root=str(args.folder), ann_file='data_3d_h36m.npz', pipeline=PIPELINE)
    start = time.perf_counter()
    dataset = Human36mDataset(
        keypoint_file='data_2d_h36m_cpn_ft_h36m_dbb.npz', window=dict(length=243, stride=1, outputs=1), **settings
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f'loaded {len(dataset):,} windows in {seconds:.1f} s, at most {peak:.2f} GB on the way')
    plain = Plain(dataset)
    rates = {'ours': [], 'plain': []}
    for _ in range(2):  # in turns, so that other load hits both alike
        rates['ours'].append(rate(dataset, stack_clips, args))
        rates['plain'].append(rate(plain, pseudo_collate, args))
    (ours, memory), (other, _) = (max(measured) for measured in rates.values())
    print(f'{args.workers} workers: {ours:.0f} clips of 243 frames a second, {memory:.2f} GB resident')
    print(f'ours / plain = {ours / other:.1f}')


if __name__ == '__main__':
    main()

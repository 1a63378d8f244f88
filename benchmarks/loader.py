"""Reading a batch of clips in one gather against reading them one by one.

usage: python benchmarks/loader.py [--frames 243] [--batch 256]
"""

import argparse

from timing import compare

from poselifter.datasets import ProceduralMotion


def main() -> None:
    """Times both and says how many clips a second the first is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=243)
    parser.add_argument('--batch', type=int, default=256)
    args = parser.parse_args()
    dataset = ProceduralMotion(n_sequences=24, n_frames=4 * args.frames, window=dict(length=args.frames, stride=9))
    indices = list(range(min(args.batch, len(dataset))))
    batch, single = compare(lambda: dataset.__getitems__(indices), lambda: [dataset[i] for i in indices])
    print(f'one by one / in a batch = {single / batch:.2f}')


if __name__ == '__main__':
    main()

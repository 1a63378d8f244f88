"""How well a search finds the clips of a data set by their descriptions.

    python benchmarks/search.py [MODEL] [--library configs/mixste/text_motion_27.py]

Each description of the test sequences is searched among all of them, each view of a clip for itself, as `poselifter
search` does. Printed is the mean over the descriptions of the average precision (the mean, over the clips that have the
description, of the fraction of right ones down to their rank), of whether the first hit is right, and both by chance.
"""

import argparse
from pathlib import Path

import numpy as np

from poselifter.apis import MotionSearch, init_text_motion
from poselifter.apis.zoo import SEARCH_MODEL
from poselifter.engine import load_config
from poselifter.errors import run_program
from poselifter.registry import DATASETS

LIBRARY = Path(__file__).resolve().parents[1] / 'configs/mixste/text_motion_27.py'


def average_precision(right: np.ndarray) -> float:
    """Of hits in order, (n,) bool with at least one True."""
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())


def main(argv: list[str] | None = None) -> None:
    """Prints the three figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', nargs='?', default=SEARCH_MODEL, help='of the zoo (default: %(default)s)')
    parser.add_argument('--library', type=Path, default=LIBRARY, help='config of the data (default: %(default)s)')
    args = parser.parse_args(argv)
    search = MotionSearch(init_text_motion(args.model))
    windows = search.windows(args.library)
    dataset = DATASETS.build(load_config(args.library).test_dataloader.dataset)
    dataset.full_init()
    infos = [dataset.get_data_info(number) for number in np.unique(dataset.windows[:, 0]).tolist()]
    described = {info['sequence']: info['captions'] for info in infos}
    clips, places = np.unique(windows.clips, return_inverse=True)
    captions = [described[clip.split()[0]] for clip in clips.tolist()]
    precisions, firsts, chances = [], [], []
    for text in sorted({text for own in captions for text in own}):
        asked = search.model.embed_texts([dataset.metainfo['texts'][text]])[0].numpy()
        best = np.full(len(clips), -np.inf)
        np.maximum.at(best, places, windows.embeddings @ asked)
        right = np.array([text in own for own in captions])[np.argsort(-best, kind='stable')]
        precisions.append(average_precision(right))
        firsts.append(right[0])
        chances.append(right.mean())
    print(
        f'{len(precisions)} descriptions, {len(clips)} clips: mean average precision {np.mean(precisions):.1%}, '
        f'first hit right {np.mean(firsts):.1%}, chance {np.mean(chances):.1%}'
    )


if __name__ == '__main__':
    run_program(main)

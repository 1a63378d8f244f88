"""Converts InstaVariety's tracks to the arrays that ``InstaVarietyDataset`` maps.

    python tools/dataset_converters/instavariety.py InstaVariety_tracks/ data/instavariety

SRC_DIR holds ``<tag>/<video>/<track>/<frame>.json``. OUT_DIR gets ``motion_all.npy`` (N, 17, 3) and ``id_all.npy``
(N,), a number for each track. As MotionBERT's converter has it, a track is scaled to [-1, 1] and moved so that the root
of its first frame is 0; spine and head top, which OpenPose does not find, and joints of score 0 are zeros. A track that
cannot be read is named and left out.
"""

import json
import sys
from pathlib import Path

import numpy as np

from poselifter.engine.tool import ToolParser, positive
from poselifter.errors import InputError, run_program
from poselifter.geometry import crop_scale
from poselifter.utils import atomic_write, run_parallel

# names of the joints in the order of h36m17; '': not detected by OpenPose
JOINTS = (
    'Hip', 'R Hip', 'R Knee', 'R Ankle', 'L Hip', 'L Knee', 'L Ankle', '', 'Neck', 'Nose', '', 'L Shoulder', 'L Elbow',
    'L Wrist', 'R Shoulder', 'R Elbow', 'R Wrist',
)  # fmt: skip


def convert(folder: Path) -> np.ndarray | str:
    """The points (T, 17, 3) of one track, or why there are none."""
    try:
        frames = [json.loads(path.read_text()) for path in sorted(folder.glob('*.json'), key=lambda p: int(p.stem))]
        missing = {'x': 0, 'y': 0, 'logits': 0}
        rows = [[frame[name] if name else missing for name in JOINTS] for frame in frames]
        points = np.array([[[p['x'], p['y'], p['logits']] for p in row] for row in rows], np.float64)
        xy = crop_scale(points[..., :2], points[..., 2])
    except Exception as error:  # one odd track must not end a run of thousands
        return f'{folder} is no track ({error!r})'
    points = np.concatenate([xy - xy[:1, :1], points[..., 2:].clip(-1, 1)], -1)
    return np.where(points[..., 2:] == 0, 0, points).astype(np.float32)


def main(argv: list[str] | None = None) -> None:
    """Converts."""
    parser = ToolParser(__doc__)
    parser.add_argument('source', type=Path, metavar='SRC_DIR', help='folder InstaVariety_tracks')
    parser.add_argument('out', type=Path, metavar='OUT_DIR', help='folder for motion_all.npy and id_all.npy')
    parser.add_argument('--workers', type=positive, default=4, help='processes')
    args = parser.parse_args(argv)
    folders = sorted(path for path in args.source.glob('*/*/*') if path.is_dir())
    if not folders:
        raise InputError(
            f'{args.source} has no tracks, expected <tag>/<video>/<track>/<frame>.json; unpack the tracks that '
            f'doc/insta_variety.md of github.com/akanazawa/human_dynamics links to'
        )
    results = run_parallel(convert, [(folder,) for folder in folders], args.workers, unit='track')
    for reason in (entry for entry in results if isinstance(entry, str)):
        print(f'left out: {reason}', file=sys.stderr)
    tracks = [entry for entry in results if not isinstance(entry, str)]
    if not tracks:
        raise InputError(f'{args.source} has no track that can be read; see the lines above')
    ids = np.repeat(np.arange(len(tracks), dtype=np.float64), [len(track) for track in tracks])
    for name, array in (('motion_all', np.concatenate(tracks)), ('id_all', ids)):
        with atomic_write(args.out / f'{name}.npy') as temporary:
            np.save(temporary, array)
    print(f'{args.out}: {len(tracks)} tracks, {len(ids)} frames, {len(results) - len(tracks)} left out')


if __name__ == '__main__':
    run_program(main)

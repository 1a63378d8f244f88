"""Draws retrieval by a text-motion model: clips between two texts, similarity over time, embeddings.

    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT pair --clips a.npz b.npz --texts bows squats
    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT time --clips a.npz --texts waves "is turning"
    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT embeddings --beside CONFIG CHECKPOINT

pair: the softmax over the temperature of a clip's mean similarity with two texts (ActionPose, figure 8). time: the
cosine of every window with each text. embeddings: t-SNE of the test clips in the space of texts and motion, and of the
mean of a backbone's features: of the model itself, or of --beside on the same clips (ActionPose, figure 5). CHECKPOINT
is what a pretraining with texts left; --motion-checkpoint puts a fine-tuned encoder in its place. Clips are files of
keypoints, of which of several persons the one with the most frames counts; or with --dump, a file of tools/test.py,
patterns of the sequences or actions in it, each for the first that fits.
"""

import argparse
import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evaluate_predictions import dumped_table, read_dump
from inspection.charts import save_scatter
from inspection.embedding import embed_dataset, project
from inspection.options import inspection_parser
from inspection.rows import keypoint_strip

from poselifter.apis import MotionSearch, init_model, init_text_motion
from poselifter.apis.inferencers import read_table
from poselifter.engine.tool import load_dataset, read_config
from poselifter.errors import InputError, run_program
from poselifter.structures import KeypointTable
from poselifter.utils import safe_name
from poselifter.visualization.text_motion import save_similarity, save_text_pairs


def read_clips(args: argparse.Namespace) -> list[tuple[str, KeypointTable]]:
    """The clips of a command line, each with its name."""
    if not args.dump:
        return [(Path(path).stem, read_table(path)) for path in args.clips]
    clips, samples = [], read_dump(args.dump)
    for pattern in args.clips:
        names = [name for name, s in samples.items() if fnmatch(name, pattern) or s.get('action_name') == pattern]
        if not names:
            raise InputError(f'{args.dump} has no sequence or action {pattern!r}, only {", ".join(samples)[:200]}')
        clips.append((safe_name(names[0]), dumped_table(samples[names[0]])))
    return clips


def read_clip(search: MotionSearch, name: str, table: KeypointTable, frames: int) -> tuple[np.ndarray, Any, np.ndarray]:
    """Some frames of a clip's longest track as a picture, its windows, and (2,) when it begins and ends."""
    rows = table.longest_track()
    windows = search.embed_table(table, name)
    shown = np.linspace(rows.start, rows.stop - 1, 2 * frames + 1)[1::2].round().astype(int)
    skeleton = table.skeleton or search.model.codec.skeleton.name
    strip = keypoint_strip(table.keypoints[rows], table.keypoints_visible[rows], skeleton, shown - rows.start)
    times = (table.frame_indices[[rows.start, rows.stop - 1]] + [0, 1]) / (table.fps or search.model.codec.fps)
    return strip, windows[windows.tracks == json.dumps(table.track_ids[rows.start].item())], times


def draw_pairs(search: MotionSearch, args: argparse.Namespace) -> None:
    """Clips one below the other; the same texts for all, or two for each."""
    if len(args.texts) not in (2, 2 * len(args.clips)):
        raise InputError(f'--texts has {len(args.texts)} for {len(args.clips)} clips; give two, or two for each clip')
    rows = []
    for i, (clip, table) in enumerate(read_clips(args)):
        texts = args.texts if len(args.texts) == 2 else args.texts[2 * i : 2 * i + 2]
        strip, windows, _ = read_clip(search, clip, table, 5)
        similarity = torch.from_numpy(windows.embeddings).mean(0) @ search.model.embed_texts(texts).cpu().T
        pair = dict(zip(texts, (similarity / search.model.text_head.temperature).softmax(-1).tolist(), strict=True))
        print(f'{clip}: ' + ', '.join(f'{text} {probability:.2f}' for text, probability in pair.items()))
        rows.append((clip, strip, pair))
    title = 'which of two texts a clip is nearer to (softmax of the similarities)'
    save_text_pairs(Path(args.out) / 'pairs.png', rows, title)


def draw_time(search: MotionSearch, args: argparse.Namespace) -> None:
    """One clip and a curve for each text."""
    clip, table = read_clips(args)[0]
    strip, windows, times = read_clip(search, clip, table, 9)
    curves = windows.embeddings @ search.model.embed_texts(args.texts).cpu().numpy().T
    seconds = np.concatenate([windows.seconds.mean(1), times])
    named = dict(zip(args.texts, curves.T, strict=True))
    path, title = Path(args.out) / f'{clip}_similarity.png', f'{clip}: similarity with texts over time'
    save_similarity(path, strip, seconds, named, title)


def draw_embeddings(search: MotionSearch, args: argparse.Namespace) -> None:
    """The common space on the left, the mean of features on the right, of the same clips."""
    config, other = read_config(args), search.model
    dataset = load_dataset(config, 'test', 'train')
    left = embed_dataset(search.model, dataset, False)
    if args.beside:
        args.config, args.checkpoint, args.variant = *args.beside, None
        other = init_model(read_config(args), args.checkpoint, args.device)
        for step in (config.get('test_dataloader') or config.train_dataloader).dataset.pipeline:
            if step.type == 'Encode':
                step.codec = other.cfg.codec
        dataset = load_dataset(config, 'test', 'train')
    right, names = embed_dataset(other, dataset, True), list(left)
    sides = {'space of texts and motion': left, f'{Path(args.config).stem}: mean of the features': right}
    perplexity = min(15, len(names) - 1)
    points = {t: project(np.array([clips[name][0] for name in names]), perplexity) for t, clips in sides.items()}
    labels, unmarked = [left[name][1] for name in names], np.zeros(len(names), bool)
    save_scatter(Path(args.out) / 'embeddings.png', points, labels, f'{len(names)} clips, t-SNE', unmarked)


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'text_motion')
    parser.add_argument('mode', choices=('pair', 'time', 'embeddings'))
    parser.add_argument('--clips', nargs='+', default=[], metavar='FILE', help='files of keypoints')
    parser.add_argument('--dump', type=Path, metavar='FILE', help='predictions of tools/test.py, whose clips to take')
    parser.add_argument('--texts', nargs='+', default=[], metavar='TEXT', help='what the clips are compared with')
    parser.add_argument('--motion-checkpoint', help='a fine-tuned encoder in place of the pretrained one')
    parser.add_argument('--beside', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='whose features to draw')
    args = parser.parse_args(argv)
    if args.mode != 'embeddings' and not (args.clips and args.texts):
        raise InputError(f'{args.mode} needs --clips and --texts')
    config = read_config(args)
    model = init_text_motion(config, args.checkpoint, args.motion_checkpoint, args.device)
    search = MotionSearch(model, stride=max(model.backbone.num_frames // 9, 1))
    {'pair': draw_pairs, 'time': draw_time, 'embeddings': draw_embeddings}[args.mode](search, args)


if __name__ == '__main__':
    run_program(main)

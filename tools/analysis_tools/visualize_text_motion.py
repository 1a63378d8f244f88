"""Draws what a model of texts and motion sees: clips between two texts, similarity over time, embeddings.

    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT pair --clips a.npz b.npz --texts bows squats
    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT time --clips a.npz --texts waves "is turning"
    python tools/analysis_tools/visualize_text_motion.py CONFIG CHECKPOINT embeddings --beside CONFIG CHECKPOINT

pair: the softmax over the temperature of a clip's mean similarity with two texts (ActionPose, figure 8). time: the
cosine of every window with each text. embeddings: t-SNE of the test clips in the space of texts and motion, and of the
mean of a backbone's features: of the model itself, or of --beside. CHECKPOINT is what a pretraining with texts left;
--motion-checkpoint puts a fine-tuned encoder in its place. Clips are files of keypoints; of several persons the one
with the most frames counts.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from poselifter.apis import MotionSearch, init_text_motion
from poselifter.apis.embedding import embed_dataset, project
from poselifter.apis.inspection import inspection_parser, open_model
from poselifter.apis.pose_3d_inferencer import read_table
from poselifter.engine import load_config
from poselifter.errors import InputError, run_program
from poselifter.visualization.charts import save_scatter
from poselifter.visualization.text_motion import keypoint_strip, save_similarity, save_text_pairs


def read_clip(search: MotionSearch, path: str, frames: int) -> tuple[np.ndarray, Any, np.ndarray]:
    """Some frames of a file's longest track as a picture, its windows, and (2,) when it begins and ends."""
    table = read_table(path)
    _, rows = max(table.tracks(), key=lambda track: track[1].stop - track[1].start)
    fps = table.fps or search.model.codec.fps
    found = search.embed_table(table, Path(path).name)
    shown = np.linspace(rows.start, rows.stop - 1, 2 * frames + 1)[1::2].round().astype(int)
    skeleton = table.skeleton or search.model.codec.skeleton.name
    strip = keypoint_strip(table.keypoints[rows], table.keypoints_visible[rows], skeleton, shown - rows.start)
    times = (table.frame_indices[[rows.start, rows.stop - 1]] + [0, 1]) / fps
    return strip, found[found.tracks == table.track_ids[rows.start]], times


def draw_pairs(search: MotionSearch, args: argparse.Namespace) -> Path:
    """Clips one below the other; the same texts for all, or two for each."""
    if len(args.texts) < 2 or (len(args.texts) != 2 and len(args.texts) != 2 * len(args.clips)):
        raise InputError(f'--texts has {len(args.texts)} for {len(args.clips)} clips; give two, or two for each clip')
    rows = []
    for i, clip in enumerate(args.clips):
        texts = args.texts if len(args.texts) == 2 else args.texts[2 * i : 2 * i + 2]
        strip, found, _ = read_clip(search, clip, 5)
        similarity = torch.from_numpy(found.embeddings).mean(0) @ search.model.embed_texts(texts).cpu().T
        shares = (similarity / search.model.text_head.temperature).softmax(-1).tolist()
        print(f'{clip}: ' + ', '.join(f'{text} {share:.2f}' for text, share in zip(texts, shares, strict=True)))
        rows.append((Path(clip).stem, strip, dict(zip(texts, shares, strict=True))))
    path = Path(args.out) / 'pairs.png'
    save_text_pairs(path, rows, 'which of two texts a clip is nearer to (softmax of the similarities)')
    return path


def draw_time(search: MotionSearch, args: argparse.Namespace) -> Path:
    """One clip and a curve for each text."""
    strip, found, times = read_clip(search, args.clips[0], 9)
    curves = found.embeddings @ search.model.embed_texts(args.texts).cpu().numpy().T
    path = Path(args.out) / f'{Path(args.clips[0]).stem}_similarity.png'
    seconds = np.concatenate([found.seconds.mean(1), times])
    named = dict(zip(args.texts, curves.T, strict=True))
    save_similarity(path, strip, seconds, named, f'{Path(args.clips[0]).name}: similarity with texts over time')
    return path


def draw_embeddings(model: Any, args: argparse.Namespace) -> Path:
    """The common space on the left, the mean of features on the right, of the same clips."""
    datasets, models = [open_model(args, 'test', 'train')[1]], [model, model]
    if args.beside:
        args.config, args.checkpoint = args.beside
        other, dataset = open_model(args, 'test', 'train')
        datasets.append(dataset)
        models[1] = other
    found = [embed_dataset(m, datasets[min(i, len(datasets) - 1)], bool(i)) for i, m in enumerate(models)]
    names = [name for name in found[0] if name in found[1]]
    if not names:
        raise InputError(f'the test data of {args.config} has no sequence in common; give a config on the same data')
    titles = ('space of texts and motion', f'{Path(args.config).stem}: mean of the features')
    points = {t: project(np.array([part[n][0] for n in names])) for t, part in zip(titles, found, strict=True)}
    path = Path(args.out) / 'embeddings.png'
    labels = [found[0][name][1] for name in names]
    save_scatter(path, points, labels, f'{len(names)} clips, t-SNE', np.zeros(len(names), bool))
    return path


def main(argv: list[str] | None = None) -> None:
    """The command."""
    parser = inspection_parser(__doc__, 'text_motion')
    parser.add_argument('mode', choices=('pair', 'time', 'embeddings'))
    parser.add_argument('--clips', nargs='+', default=[], metavar='FILE', help='files of keypoints')
    parser.add_argument('--texts', nargs='+', default=[], metavar='TEXT', help='what the clips are compared with')
    parser.add_argument('--motion-checkpoint', help='a fine-tuned encoder in place of the own one')
    parser.add_argument('--beside', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='whose features to draw')
    args = parser.parse_args(argv)
    if args.mode != 'embeddings' and not (args.clips and args.texts):
        raise InputError(f'{args.mode} needs --clips and --texts')
    config = load_config(args.config, args.cfg_options)
    model = init_text_motion(config, args.checkpoint, args.motion_checkpoint, args.device)
    if args.mode == 'embeddings':
        path = draw_embeddings(model, args)
    else:
        draw = draw_pairs if args.mode == 'pair' else draw_time
        path = draw(MotionSearch(model, stride=max(model.backbone.num_frames // 9, 1)), args)
    print(f'wrote {path}')


if __name__ == '__main__':
    run_program(main)

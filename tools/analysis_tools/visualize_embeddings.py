"""Draws the clips of a data set where t-SNE puts their embeddings, a colour for each class, exemplars marked.

    python tools/analysis_tools/visualize_embeddings.py configs/motionbert/oneshot_procedural.py CHECKPOINT

The embeddings are those of the head that makes some, or with --pooled the mean of the backbone's features over frames,
which any model has. Exemplars are the data set's own (NTU-120), or with --exemplars the first clip of each class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from poselifter.apis.inspection import cut_clips, inspection_parser, open_model
from poselifter.errors import InputError, run_program
from poselifter.structures import MotionDataSample
from poselifter.visualization.charts import save_scatter

BATCH = 64


@torch.no_grad()
def embed(model: Any, inputs: torch.Tensor, pooled: bool) -> torch.Tensor:
    """Clips (B, T, J, C), or (B, M, T, J, C) of M persons, to embeddings (B, D)."""
    heads = [head for head in model.heads.values() if getattr(head, 'prediction', '') == 'pred_embedding']
    if heads and not pooled:
        found = model.predict(list(inputs), [MotionDataSample() for _ in inputs])
        return torch.stack([sample.pred_embedding for sample in found])
    features = next(iter(model.extract_feat(inputs).values()))
    return features.mean(1).flatten(1).unflatten(0, (len(inputs), -1)).mean(1)


def embed_dataset(model: Any, dataset: Any, pooled: bool) -> dict[str, tuple[np.ndarray, str, bool]]:
    """By name of the sequence its embedding (mean of its windows and views), its class, whether it is an exemplar."""
    rows: dict[str, list[np.ndarray]] = {}
    facts: dict[str, tuple[str, bool]] = {}
    device = next(model.parameters()).device
    for start in range(0, len(dataset), BATCH):
        clips: list[tuple[str, torch.Tensor]] = []
        for item in dataset.__getitems__(range(start, min(start + BATCH, len(dataset)))):
            inputs, sample = item['inputs'], item['data_samples']
            name, label = sample.get('sequence') or str(len(facts)), sample.get('action_name') or sample.get('action')
            facts[name] = (str(label), bool(sample.get('exemplar')))
            long = inputs.shape[-3] > model.backbone.num_frames
            clips += [(name, clip) for clip in (cut_clips(inputs, model.backbone.num_frames)[0] if long else [inputs])]
        for shape in dict.fromkeys(clip.shape for _, clip in clips):
            names, stack = zip(*[pair for pair in clips if pair[1].shape == shape], strict=True)
            for name, row in zip(names, embed(model, torch.stack(stack).to(device), pooled), strict=True):
                rows.setdefault(name, []).append(row.float().cpu().numpy())
    return {name: (np.mean(found, 0), *facts[name]) for name, found in rows.items()}


def project(embeddings: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """t-SNE by cosine distance: (N, D) to (N, 2)."""
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise InputError('t-SNE needs scikit-learn: pip install scikit-learn') from None
    if not 1 <= perplexity < len(embeddings):
        raise InputError(f'--perplexity is {perplexity:g}, expected 1 to {len(embeddings) - 1}: fewer than clips')
    tsne = TSNE(perplexity=perplexity, metric='cosine', init='pca', random_state=seed)
    return tsne.fit_transform(embeddings)


def main(argv: list[str] | None = None) -> None:
    """The command."""
    parser = inspection_parser(__doc__, 'embeddings')
    parser.add_argument('--pooled', action='store_true', help="the mean of the backbone's features instead")
    parser.add_argument('--exemplars', action='store_true', help='mark the first clip of each class')
    parser.add_argument('--perplexity', type=float, default=15, help='of t-SNE (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of t-SNE (default: %(default)s)')
    args = parser.parse_args(argv)
    model, dataset = open_model(args, 'test', 'train')
    dataset.full_init()
    embeddings, labels, marked = zip(*embed_dataset(model, dataset, args.pooled).values(), strict=True)
    first = {label: i for i, label in reversed(list(enumerate(labels)))}
    marks = [first[label] == i for i, label in enumerate(labels)] if args.exemplars else marked
    points = project(np.array(embeddings), args.perplexity, args.seed)
    path = Path(args.out) / f'{"pooled" if args.pooled else "embeddings"}.png'
    what = 'mean of the features' if args.pooled else 'embeddings'
    save_scatter(path, points, labels, f'{what} of {len(labels)} clips, t-SNE', np.array(marks))
    print(f'wrote {path}')


if __name__ == '__main__':
    run_program(main)

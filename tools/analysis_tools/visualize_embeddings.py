"""Draws t-SNE of the embeddings of a data set's clips, a colour for each class, exemplars marked.

    python tools/analysis_tools/visualize_embeddings.py configs/motionbert/oneshot_procedural.py CHECKPOINT

The embeddings are those of the head that makes some, of a model with texts those in the common space; with --pooled the
mean of the backbone's features over frames, which any model has. Exemplars are the data set's own (NTU-120), or with
--exemplars the first clip of each class.
"""

from pathlib import Path

import numpy as np
from inspection.charts import save_scatter
from inspection.embedding import embed_dataset, project
from inspection.options import inspection_parser, open_model

from poselifter.errors import run_program


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = inspection_parser(__doc__, 'embeddings')
    parser.add_argument('--pooled', action='store_true', help="the mean of the backbone's features instead")
    parser.add_argument('--exemplars', action='store_true', help='mark the first clip of each class')
    parser.add_argument('--perplexity', type=float, default=15, help='of t-SNE (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of t-SNE (default: %(default)s)')
    args = parser.parse_args(argv)
    model, dataset = open_model(args, 'test', 'train')
    embeddings, labels, marked = zip(*embed_dataset(model, dataset, args.pooled).values(), strict=True)
    first = {label: i for i, label in reversed(list(enumerate(labels)))}
    marks = [first[label] == i for i, label in enumerate(labels)] if args.exemplars else marked
    points = project(np.array(embeddings), args.perplexity, args.seed)
    path = Path(args.out) / f'{"pooled" if args.pooled else "embeddings"}.png'
    what = 'mean of the features' if args.pooled else 'embeddings'
    save_scatter(path, {'': points}, labels, f'{what} of {len(labels)} clips, t-SNE', np.array(marks))


if __name__ == '__main__':
    run_program(main)

"""Baselines of action models, on the data and by the metric of a config.

    python tools/analysis_tools/action_baselines.py configs/motionbert/action_cmu.py [--out METRICS.json]

The majority class of the training samples; and a logistic regression on the mean and standard deviation over frames of
each joint's velocity in the 2D that the network sees, with every class of the same weight in all. For models that embed
clips: those velocities, standardised, as the embedding.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from poselifter.engine.tool import ToolParser, load_dataset, read_config
from poselifter.errors import InputError, run_program
from poselifter.registry import CODECS, METRICS
from poselifter.utils import write_json

BATCH = 64


def velocity_features(clips: torch.Tensor) -> torch.Tensor:
    """Clips (B, T, J, C), or (B, M, T, J, C) of M persons whose mean it is, to (B, 4 J): means, then deviations."""
    velocity = clips[..., :2].diff(dim=-3)
    features = torch.cat([velocity.mean(-3), velocity.std(-3, correction=0)], -2).flatten(-2)
    return features.mean(1) if clips.ndim == 5 else features


def fit_logistic(features: torch.Tensor, labels: torch.Tensor, classes: int, decay: float = 1e-2) -> Callable:
    """Multinomial logistic regression on standardised features (N, D); returns features -> probabilities.

    Each class has the same weight in all; ``decay`` is that of the squared coefficients.
    """
    mean, std = features.mean(0), features.std(0).clamp(min=1e-6)
    weights = torch.zeros(features.shape[1] + 1, classes, dtype=torch.float64, requires_grad=True)
    weight = labels.bincount(minlength=classes).clamp(min=1).double().reciprocal()
    optimizer = torch.optim.LBFGS([weights], max_iter=300, line_search_fn='strong_wolfe')

    def logits(x: torch.Tensor) -> torch.Tensor:
        return ((x - mean) / std).double() @ weights[1:] + weights[0]

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        total = F.cross_entropy(logits(features), labels, weight) + decay * weights[1:].square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return lambda x: logits(x).detach().softmax(-1)


def batches(dataset: Any, codec: Any) -> Iterator[tuple[torch.Tensor, list]]:
    """Features (B, D) and samples of a data set, in its order."""
    for items in DataLoader(dataset, BATCH, collate_fn=list):
        clips = torch.stack([item['inputs'] for item in items])
        seen = codec.normalize_window(clips.flatten(0, -4))
        yield velocity_features(seen.unflatten(0, clips.shape[:-3])), [item['data_samples'] for item in items]


def baselines(config: Any) -> dict[str, dict[str, float]]:
    """Metrics of the baselines of a config's head, by the metric of the config.

    Raises:
        InputError: the config has none, or parts of it are wrong.
    """
    heads = config.model.get('heads', {})
    if not {'action', 'embedding'} & set(heads):
        raise InputError(f'the config has the heads {list(heads)}, expected one called action or embedding')
    codec = CODECS.build(config.codec)
    train, test = (load_dataset(config, split) for split in ('train', 'test'))
    parts, samples = zip(*batches(train, codec), strict=True)
    features, labels = torch.cat(parts), torch.tensor([int(sample.action) for part in samples for sample in part])
    if 'action' in heads:
        classes, key = heads.action.get('num_classes', 60), 'pred_scores'
        majority = F.one_hot(labels.bincount(minlength=classes).argmax(), classes).double()
        rules = {
            'majority class': lambda x: majority.expand(len(x), -1),
            'logistic regression on velocities': fit_logistic(features, labels, classes),
        }
    else:
        key, mean, std = 'pred_embedding', features.mean(0), features.std(0).clamp(min=1e-6)
        rules = {'nearest neighbour on velocities': lambda x: (x - mean) / std}
    evaluators = {name: Evaluator(METRICS.build(config.test_evaluator)) for name in rules}
    for x, part in batches(test, codec):
        for name, rule in rules.items():
            for sample, scores in zip(part, rule(x), strict=True):
                sample.set_data({key: scores})
            evaluators[name].process(part)
    return {name: evaluator.evaluate(len(test)) for name, evaluator in evaluators.items()}


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = ToolParser(__doc__)
    parser.add_config(help='config file of a model with a head of classes or embeddings')
    parser.add_argument('--out', metavar='JSON', help='file for the figures')
    args = parser.parse_args(argv)
    results = baselines(read_config(args))
    for name, figures in results.items():
        print(f'{name}: ' + ', '.join(f'{key} {value:.1f}' for key, value in figures.items()))
    if args.out:
        write_json(args.out, results)


if __name__ == '__main__':
    run_program(main)

"""The clips of a data set as points."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from poselifter.apis.track_clips import at_rate
from poselifter.errors import InputError
from poselifter.models.estimators import TextMotionPretrainer
from poselifter.structures import MotionDataSample

from .weights import cut_clips

BATCH = 64


@torch.no_grad()
def embed(model: Any, inputs: torch.Tensor, pooled: bool) -> torch.Tensor:
    """Clips (B, T, J, C), or (B, M, T, J, C) of M persons, to embeddings (B, D).

    They are those of the head that makes some, or of a model with texts those in the common space; ``pooled``, or else,
    the backbone's features are averaged over frames and persons.
    """
    if not pooled and any('pred_embedding' in head.predicts for head in model.heads.values()):
        samples = model.predict(list(inputs), [MotionDataSample() for _ in inputs])
        return torch.stack([sample.pred_embedding for sample in samples])
    if not pooled and isinstance(model, TextMotionPretrainer):
        return model.embed_clips(inputs)
    features = next(iter(model.extract_feat(inputs).values()))
    return features.mean(1).flatten(1).unflatten(0, (len(inputs), -1)).mean(1)


def embed_dataset(model: Any, dataset: Any, pooled: bool) -> dict[str, tuple[np.ndarray, str, bool]]:
    """Embedding (mean of windows and views), class and exemplar flag of each sequence, by its name."""
    rows: dict[str, list[np.ndarray]] = {}
    metadata: dict[str, tuple[str, bool]] = {}
    device = next(model.parameters()).device
    for items in DataLoader(dataset, BATCH, collate_fn=list):
        clips: list[tuple[str, torch.Tensor]] = []
        for item in items:
            sample = item['data_samples']
            inputs = at_rate(item['inputs'], sample.get('fps'), model.codec.fps)
            name = sample.get('sequence') or str(len(metadata))
            metadata[name] = str(sample.get('action_name') or sample.get('action')), bool(sample.get('exemplar'))
            long = inputs.shape[-3] > model.backbone.num_frames
            clips += [(name, clip) for clip in (cut_clips(inputs, model)[0] if long else [inputs])]
        for shape in dict.fromkeys(clip.shape for _, clip in clips):
            names, stack = zip(*[pair for pair in clips if pair[1].shape == shape], strict=True)
            for name, row in zip(names, embed(model, torch.stack(stack).to(device), pooled), strict=True):
                rows.setdefault(name, []).append(row.float().cpu().numpy())
    return {name: (np.mean(parts, 0), *metadata[name]) for name, parts in rows.items()}


def project(embeddings: np.ndarray, perplexity: float = 15, seed: int = 0) -> np.ndarray:
    """t-SNE by cosine distance: (N, D) to (N, 2).

    Raises:
        InputError: scikit-learn is not installed, or there are too few clips.
    """
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise InputError('t-SNE needs scikit-learn: pip install scikit-learn') from None
    if not 1 <= perplexity < len(embeddings):
        raise InputError(f'--perplexity is {perplexity:g}, expected 1 to {len(embeddings) - 1}: fewer than clips')
    return TSNE(perplexity=perplexity, metric='cosine', init='pca', random_state=seed).fit_transform(embeddings)

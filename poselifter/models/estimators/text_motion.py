"""ActionPose's pretraining: motion recovered from masked 2D, and aligned with texts."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ...errors import InputError
from ...registry import MODELS
from ...skeletons import mirror_text
from ...structures import MotionDataSample
from ..parts import BaseHead, CaptionedModel, Tensors, build_part
from .motion_estimator import MotionEstimator


@MODELS.register_module()
class TextMotionPretrainer(MotionEstimator, CaptionedModel):
    """Masked motion modelling with text alignment (ActionPose, pretraining).

    The pipeline corrupts: ``FittedNoise`` and ``MaskMixture``. The heads' losses count as in :class:`MotionEstimator`;
    besides, the class token of each clip is contrasted with its captions and with other texts of the data set, drawn at
    random. A backbone without a class token gives the mean of its features over the frames; how a clip differs from
    another lies as much in how they change, hence ``spread``. The text side serves pretraining only, but
    stays in the checkpoint:
    :meth:`text_probabilities` scores clips against any texts, and with ``class_texts``
    a test recognises actions that no classifier was trained on.

    Args:
        text_encoder: config of the text encoder.
        text_head: config of the head, e.g. ``TextMotionHead``; gets
            ``in_channels``, ``text_channels`` and ``num_joints``.
        num_negatives: other texts for each clip.
        negatives: whether each other text is as likely (``'uniform'``), or as often as clips of the training data have
            it (``'frequency'``).
        spread: append to each joint's token the standard deviation of its features over the frames.
        class_texts: for each class of actions its captions: :meth:`predict`
            then gives ``pred_scores``, see :meth:`text_probabilities`, and lifts nothing.
        **estimator: see :class:`MotionEstimator`.

    Attributes:
        texts: the data set's table of texts, which ``captions`` of samples index; the runner fills it in from the
            training data. Texts of mirrored clips are appended where the table lacks them.
    """

    def __init__(
        self,
        text_encoder: dict,
        text_head: dict | None = None,
        num_negatives: int = 16,
        negatives: Literal['uniform', 'frequency'] = 'uniform',
        spread: bool = False,
        class_texts: Sequence[Sequence[str]] | None = None,
        **estimator: Any,
    ) -> None:
        super().__init__(**estimator)
        self.text_encoder = MODELS.build(text_encoder)
        self.spread = spread
        channels = self.backbone.token_dims + (self.backbone.embed_dims if spread else 0)
        sizes = {'num_joints': self.backbone.num_tokens, 'in_channels': channels}
        sizes['text_channels'] = self.text_encoder.embed_dims
        self.text_head = build_part(text_head or {'type': 'TextMotionHead'}, BaseHead, sizes)
        if negatives not in ('uniform', 'frequency'):
            raise InputError(f"TextMotionPretrainer: negatives is {negatives!r}, expected 'uniform' or 'frequency'")
        self.num_negatives, self.negatives, self.class_texts = num_negatives, negatives, class_texts
        self.whole_clips = self.whole_clips or class_texts is not None
        self.texts = None

    @property
    def texts(self) -> list[str] | None:
        """Table of texts that ``captions`` index, mirrored texts included."""
        return self._texts

    @texts.setter
    def texts(self, given: Sequence[str] | None) -> None:
        mirrored = [mirror_text(text) for text in given or ()]
        known = set(given or ())
        self._texts = given and [*given, *(text for text in dict.fromkeys(mirrored) if text not in known)]
        places = {text: place for place, text in enumerate(self._texts or ())}
        self._mirrored, self.text_counts = [places[text] for text in mirrored], None

    def features(self, x: Tensor, valid: Tensor | None = None) -> Tensors:
        """See :class:`MotionEstimator`; besides ``clip_token`` (B, 1, J', D'), which stands for a clip."""
        features, layers = self.backbone.encode(self.backbone.embed(x), valid, return_layers=True)
        token = self.backbone.clip_token(features, layers, valid)
        if self.spread:
            token = torch.cat([token, self.backbone.spread(features, valid)], -1)
        return {**self.named(features), 'clip_token': token}

    def loss(self, features: Tensors, data_samples: MotionDataSample, persons: int = 1) -> Tensors:
        """See :class:`MotionEstimator`; adds the loss of the texts.

        Raises:
            InputError: nothing has filled in ``texts``.
        """
        losses, token = super().loss(features, data_samples, persons), features['clip_token']
        table, target = self.draw_texts(data_samples.captions)
        ids, rows = table.unique(return_inverse=True)
        samples = MotionDataSample(text_features=self.text_encoder([self.texts[i] for i in ids]))
        samples.set_data({'text_table': rows.to(token.device), 'text_target': target.to(token)})
        aligned = self.text_head.loss(token, samples)
        captioned = max(int((target.sum(1) > 0).sum()), 1)  # the other clips add nothing to the head's mean
        return {**losses, **{name: loss * (len(target) / captioned) for name, loss in aligned.items()}}

    def draw_texts(self, captions: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Texts for each clip: its captions, then different others at random, see ``negatives``.

        Args:
            captions: of each clip, indices into ``texts``; of a mirrored clip -1 - index.

        Returns:
            Indices (B, K + 1) int64, and probabilities (B, K + 1): 1 / m for the clip's m captions, else 0; on the CPU.
        """
        if not self.texts:
            raise InputError('TextMotionPretrainer has no texts; train it on data with captions (metainfo texts)')
        truth = torch.zeros(len(captions), len(self.texts))
        for row, indices in zip(truth, captions, strict=True):
            row[[text if text >= 0 else self._mirrored[-1 - text] for text in indices]] = 1
        count = min(self.num_negatives + 1, len(self.texts))
        rank = torch.rand(truth.shape)
        if self.negatives == 'frequency':
            rank = rank.double().log() / self._weights()  # the highest are a draw by weight (Efraimidis and Spirakis)
            rank = rank / (1 - rank)  # above -1
        table = (truth + rank).topk(count).indices
        target = truth.gather(1, table)
        return table, target / target.sum(1, keepdim=True).clamp(min=1)

    def _weights(self) -> Tensor:
        """Of the texts, those of mirrored clips included, by how many clips have them; the largest is 1."""
        if self.text_counts is None:
            raise InputError(
                "TextMotionPretrainer: negatives='frequency' needs text_counts in the metainfo of the training data; "
                'take BABELDataset, or leave it out'
            )
        weights = torch.zeros(len(self.texts), dtype=torch.float64)
        for text, (mirrored, count) in enumerate(zip(self._mirrored, self.text_counts, strict=True)):
            weights[[text, mirrored] if mirrored != text else text] += count
        return (weights / weights.max()).clamp(min=1e-9)

    @torch.no_grad()
    def embed_clips(self, inputs: Tensor) -> Tensor:
        """Clips (B, T, J, C) in the common space, (B, E)."""
        return self.text_head.pose_pool(self.extract_feat(inputs)['clip_token'])

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """n texts in the common space, (n, E)."""
        return self.text_head.text_pool(self.text_encoder(list(texts)))

    def text_probabilities(self, inputs: Tensor, texts: Sequence[str | Sequence[str]]) -> Tensor:
        """Probabilities of n texts for each of B clips: the softmax of the similarities over the temperature.

        Args:
            inputs: (B, T, J, C).
            texts: n texts, or lists of texts that say the same, whose similarities are averaged.

        Returns:
            (B, n), which sum to 1.
        """
        groups = [[text] if isinstance(text, str) else list(text) for text in texts]
        rows = self.embed_texts([text for group in groups for text in group]).split([len(group) for group in groups])
        similarity = self.embed_clips(inputs) @ torch.stack([row.mean(0) for row in rows], 1)
        return (similarity / self.text_head.temperature).softmax(-1)

    def read_clips(self, clips: Tensor, samples: MotionDataSample | None = None) -> Tensors:
        """See :class:`MotionEstimator`; with ``class_texts`` their probabilities."""
        if self.class_texts is None:
            return super().read_clips(clips, samples)
        return {'pred_scores': self.text_probabilities(clips, self.class_texts)}

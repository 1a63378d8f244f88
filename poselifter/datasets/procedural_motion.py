"""Motions made in memory: data for everybody, without a download."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from .procedural import MOTIONS, captions, generate_motion
from .sequence_dataset import SequenceDataset
from .sequences import Sequences, choose_classes, world_keypoints


@DATASETS.register_module()
class ProceduralMotion(SequenceDataset):
    """Clips of a kinematic body with random proportions, deterministic by seed.

    Args:
        n_sequences: how many clips; the motions take turns.
        n_frames: frames of each clip.
        fps: frames per second.
        motions: names out of ``poselifter.datasets.procedural.MOTIONS``; ``None`` takes all of ``classes``.
        classes: those that ``action`` numbers, in this order, as the model was trained; ``None``: ``motions``, or all
            of ``MOTIONS``.
        offset: number of the first clip. Clips are numbered on without end, so
            a test set takes another range than the training set.
        wordings: captions of each motion, in place of the three that ``captions`` gives.
        **kwargs: see :class:`SequenceDataset`; ``seed`` seeds the motions too.

    Raises:
        InputError: an unknown motion, or one without wordings.
    """

    METAINFO = {'dataset_name': 'procedural', 'skeleton_3d': 'h36m17', 'actions': MOTIONS}

    def __init__(
        self,
        n_sequences: int = 120,
        n_frames: int = 243,
        fps: float = 30,
        motions: Sequence[str] | None = None,
        offset: int = 0,
        wordings: Mapping[str, Sequence[str]] | None = None,
        classes: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.motions, self.classes = choose_classes('ProceduralMotion: motions', motions, classes, MOTIONS)
        self.wordings = {name: list(captions(name)) for name in MOTIONS} if wordings is None else dict(wordings)
        silent = [name for name in self.motions if not self.wordings.get(name)]
        if silent:
            raise InputError(f'ProceduralMotion: wordings has nothing for {silent}; give a list of captions for each')
        self.n_sequences, self.n_frames, self.fps, self.offset = n_sequences, n_frames, fps, offset
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        texts = sorted({text for name in self.wordings for text in self.wordings[name]})
        parts, infos = [], []
        for k in range(self.offset, self.offset + self.n_sequences):
            name = self.motions[k % len(self.motions)]
            seed = int(np.random.SeedSequence([self.seed, k]).generate_state(1)[0])
            world = generate_motion(name, seed, self.n_frames, self.fps)
            parts.append({'poses': world - world[:, :1], 'root': world[:, 0]})
            info = {'sequence': f'{name}_{k:06d}', 'subject': f'body_{k:06d}', 'source_format': 'procedural'}
            info |= {'fps': self.fps, 'action': self.classes.index(name), 'action_name': name}
            infos.append({**info, 'captions': [texts.index(text) for text in self.wordings[name]]})
        metainfo = {'texts': texts, 'actions': self.classes}
        return Sequences.joined(parts, infos, metainfo=metainfo, decode=world_keypoints)

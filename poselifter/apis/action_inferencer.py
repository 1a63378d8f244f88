"""Action recognition over time from keypoints of a file or an array."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..datasets.clip_batch import run_pipeline
from ..datasets.transforms import Transform, build_pipeline
from ..engine.tool import config_errors
from ..light_registry import INFERENCERS
from ..structures import KeypointTable, Result, WindowPolicy
from ..tracking import interpolate
from .inferencers import BaseInferencer, heads_of
from .prediction import assumed_metadata, class_names
from .track_clips import track_clips


@INFERENCERS.register_module()
class ActionInferencer(BaseInferencer):
    """Recognises the actions of each person over time.

    A window slides over each person's track and goes through the pipeline that the config tests with; a frame's scores
    are the mean of its windows', those near a window's middle counting more.

    ``predictions`` are for each segment of a person without a long gap ``track``, ``frames`` (T,), ``scores`` (T,
    classes), which sum to 1, and ``top``, the best classes of the whole segment with their mean scores. A picture in
    motion shows the longest segment.

    Args:
        model: a config file with a head ``action``, or see :class:`BaseInferencer`.
        weights, device: see :class:`BaseInferencer`.
        classes: names of the classes; ``None`` takes the config's ``actions``, or numbers.
        num_frames: length of a window in frames of the model's frame rate;
            ``None`` means the backbone's, or that of the pipeline's clips.
        stride: frames between windows; ``None`` means a quarter of a window.

    Raises:
        InputError: the model has no such head, or other classes.

    Example::

        inferencer = ActionInferencer('configs/motionbert/action_cmu.py', 'epoch_18.pth')
        for result in inferencer('keypoints.npz', out_dir='out', formats=['json', 'mp4']):
            print(result['predictions'][0]['top'][0])
    """

    gives: tuple[str, ...] = ('scores',)
    formats: tuple[str, ...] = ('json',)
    ending: str = '_actions'

    def __init__(
        self,
        model: str | os.PathLike[str] | nn.Module,
        weights: str | os.PathLike[str] | None = None,
        device: str = 'cpu',
        classes: Sequence[str] | None = None,
        num_frames: int | None = None,
        stride: int | None = None,
    ) -> None:
        super().__init__(model, weights, device)
        heads_of(self.model, 'action')
        self.classes: tuple[str, ...] = class_names(self.model, classes)
        with config_errors(self.model.cfg):
            loader = self.model.cfg.get('test_dataloader') or self.model.cfg.train_dataloader
            steps = loader.dataset.pipeline
            # steps that film a motion are left out: here it is filmed already
            self.pipeline: list[Transform] = [step for step in build_pipeline(steps) if not step.films]
        self.persons: int = loader.dataset.get('num_persons', 2) if self.model.codec.several_persons else 0
        length = num_frames or next((s['length'] for s in steps if 'length' in s), self.model.backbone.num_frames)
        self.window: WindowPolicy = WindowPolicy(length, stride=stride or max(length // 4, 1))

    def predict(self, table: KeypointTable, batch_size: int | None = None) -> list[Result]:
        """One result of the whole table."""
        clips = list(track_clips(self.model.codec, table))
        scores = [interpolate(self.scores(clip.sample, batch_size), clip.where, degree=1) for clip in clips]
        segments, metadata = [clip.rows for clip in clips], assumed_metadata(self.model)
        return [Result(table, scores=np.concatenate(scores), classes=self.classes, segments=segments, **metadata)]

    @torch.no_grad()
    def scores(self, clip: dict[str, Any], batch_size: int | None = None) -> np.ndarray:
        """Scores (T, classes) of a sample of one person: ``keypoints`` (T, J, 2), ``keypoints_visible``, metadata."""
        cut = self.window.cut(len(clip['keypoints']))
        scores = []
        for frames in np.array_split(cut.inputs, -(-len(cut.inputs) // (batch_size or self.model.batch_size))):
            clips = run_pipeline(self.pipeline, [self._window(clip, row) for row in frames])
            inputs = [packed['inputs'].to(next(self.model.parameters()).device) for packed in clips]
            samples = self.model.predict(inputs, [packed['data_samples'] for packed in clips])
            scores += [sample.pred_scores.float().cpu() for sample in samples]
        return cut.merge(torch.stack(scores)[:, None].expand(-1, self.window.length, -1)).numpy()

    def _window(self, clip: dict[str, Any], frames: np.ndarray) -> dict[str, Any]:
        """Frames of a sample; where the model is used to several persons, the others are empty."""
        arrays = {key: clip[key][frames] for key in ('keypoints', 'keypoints_visible')}
        if self.persons:
            empty = self.persons - 1
            arrays = {key: np.pad(a[None], [(0, empty), *[(0, 0)] * a.ndim]) for key, a in arrays.items()}
            arrays['present'] = np.arange(self.persons) == 0
        return {**clip, **arrays, 'random_key': [0, 0, 0, 0]}

"""Keypoints of a file or an array to actions over time."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..codecs import KeypointClips
from ..datasets.clip_batch import run_pipeline
from ..errors import InputError
from ..io import describe_table
from ..registry import INFERENCERS, TRANSFORMS
from ..structures import KeypointTable, WindowPolicy
from ..utils import atomic_write
from ..visualization import save_actions
from .inference import class_names, described_actions, init_model, interpolate, track_clips
from .pose_3d_inferencer import read_tables

#: Steps of a test pipeline that film a motion; here it is filmed already.
_FILM = ('VirtualCamera', 'DetectedJoints', 'KeypointNoise')
ACTION_FORMATS = ('json', 'gif', 'mp4')


@INFERENCERS.register_module()
class ActionInferencer:
    """Says what each person does, over time; one object serves any number of inputs.

    A window slides over each person's track and goes through the pipeline that
    the config tests with; a frame's scores are the mean of its windows', those
    near a window's middle counting more.

    Args:
        model: a config file with a head ``action``, or a name of the zoo.
        weights: checkpoint; ``None`` means the zoo's for that name.
        device: for example ``'cpu'`` or ``'cuda:0'``.
        classes: names of the classes; ``None`` takes the config's ``actions``,
            or numbers.
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

    def __init__(
        self,
        model: str | os.PathLike,
        weights: str | os.PathLike | None = None,
        device: str = 'cpu',
        classes: Sequence[str] | None = None,
        num_frames: int | None = None,
        stride: int | None = None,
    ) -> None:
        self.model = init_model(model, weights, device)
        if 'action' not in self.model.heads:
            raise InputError(f'{model} has the heads {list(self.model.heads)}, expected one called action')
        self.classes = class_names(self.model, classes)
        loader = self.model.cfg.get('test_dataloader') or self.model.cfg.train_dataloader
        steps = [step for step in loader.dataset.pipeline if step['type'] not in _FILM]
        self.pipeline = [TRANSFORMS.build(step) for step in steps]
        several = isinstance(self.model.codec, KeypointClips)  # its clips have an axis of persons
        self.persons = loader.dataset.get('num_persons', 2) if several else 0
        length = num_frames or next((s['length'] for s in steps if 'length' in s), self.model.backbone.num_frames)
        self.window = WindowPolicy(length, stride=stride or max(length // 4, 1))

    def __call__(
        self,
        inputs: str | os.PathLike | np.ndarray | KeypointTable | Sequence,
        out_dir: str | os.PathLike | None = None,
        formats: Sequence[str] = ('json',),
        skeleton: str | None = None,
        img_shape: tuple[int, int] | None = None,
        fps: float | None = None,
        batch_size: int = 64,
        top_k: int = 3,
    ) -> Iterator[dict[str, Any]]:
        """Recognises the actions of one input after the other.

        Args:
            inputs: see :class:`Pose3DInferencer`.
            out_dir: where results are written; ``None`` writes nothing.
            formats: of the files, out of ``ACTION_FORMATS``; a picture in motion
                shows the longest track.
            skeleton: joint set, where the input does not say.
            img_shape: (height, width), where the input does not say.
            fps: frame rate, where the input does not say.
            batch_size: windows in one forward pass.
            top_k: classes in ``top``.

        Yields:
            ``notes``: lines on what was recognised; ``predictions``: for each
            stretch of a person without a long gap ``track``, ``frames`` (T,),
            ``scores`` (T, classes), which sum to 1, and ``top``, the best
            classes of the whole stretch with their mean scores;
            ``visualization``: the files that were written.

        Raises:
            InputError: an input cannot be read, or has an unknown joint set.
        """
        for stem, table in read_tables(inputs, formats, ACTION_FORMATS, skeleton, img_shape, fps):
            found = [
                described_actions(table, rows, interpolate(self.scores(clip, batch_size), where), self.classes, top_k)
                for rows, clip, where in track_clips(self.model.codec, table)
            ]
            written = []
            if out_dir is not None:
                written = self.write(Path(out_dir) / f'{stem}_actions', table, found, formats)
            yield {'notes': [describe_table(table)], 'predictions': found, 'visualization': written}

    @torch.no_grad()
    def scores(self, clip: dict[str, Any], batch_size: int = 64) -> np.ndarray:
        """Scores (T, classes) of a sample of one person: ``keypoints`` (T, J, 2), ``keypoints_visible``, facts."""
        cut = self.window.cut(len(clip['keypoints']))
        found = []
        for frames in np.array_split(cut.inputs, -(-len(cut.inputs) // batch_size)):
            clips = run_pipeline(self.pipeline, [self._window(clip, row) for row in frames])
            inputs = [packed['inputs'].to(next(self.model.parameters()).device) for packed in clips]
            samples = self.model.predict(inputs, [packed['data_samples'] for packed in clips])
            found += [sample.pred_scores.float().cpu() for sample in samples]
        scores = torch.stack(found)[:, None].expand(-1, self.window.length, -1)
        return cut.merge(scores).numpy()

    def _window(self, clip: dict[str, Any], frames: np.ndarray) -> dict[str, Any]:
        """Frames of a sample; where the model is used to several persons, the others are empty."""
        arrays = {key: clip[key][frames] for key in ('keypoints', 'keypoints_visible')}
        if self.persons:
            empty = self.persons - 1
            arrays = {key: np.pad(a[None], [(0, empty), *[(0, 0)] * a.ndim]) for key, a in arrays.items()}
            arrays['present'] = np.arange(self.persons) == 0
        return {**clip, **arrays, 'random_key': [0, 0, 0, 0]}

    def write(
        self, stem: Path, table: KeypointTable, found: Sequence[dict[str, Any]], formats: Sequence[str]
    ) -> list[Path]:
        """Writes results as files ``<stem>.<format>``; ``found`` as ``predictions`` of a call.

        The JSON tells for each stretch the frames, the best classes with their
        mean scores, the best class of each frame and the scores over time.
        """
        files = [stem.with_name(f'{stem.name}.{name}') for name in formats]
        for path in files:
            if path.suffix == '.json':
                document = {'classes': self.classes, 'fps': table.fps, 'tracks': [self._document(s) for s in found]}
                with atomic_write(path) as temporary:
                    temporary.write_text(json.dumps(document))
                continue
            longest = max(found, key=lambda stretch: len(stretch['frames']))
            rows = np.flatnonzero(table.track_ids == longest['track'])
            rows = rows[np.isin(table.frame_indices[rows], longest['frames'])]
            save_actions(
                path,
                table.keypoints[rows],
                table.skeleton or self.model.codec.skeleton.name,
                longest['scores'],
                self.classes,
                table.fps or self.model.codec.fps or 30,
                table.img_shape,
                table.keypoints_visible[rows],
            )
        return files

    def _document(self, stretch: dict[str, Any]) -> dict[str, Any]:
        scores = stretch['scores']
        return {
            'track': stretch['track'],
            'frames': stretch['frames'].tolist(),
            'top': [{'class': name, 'score': round(score, 4)} for name, score in stretch['top']],
            'best': [self.classes[i] for i in scores.argmax(1)],
            'scores': {name: scores[:, i].round(4).tolist() for i, name in enumerate(self.classes)},
        }

"""One estimator for all downstream tasks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModel
from torch import Tensor

from ...errors import InputError
from ...registry import CODECS, MODELS
from ...skeletons import flip_keypoints
from ...structures import MotionDataSample, WindowPolicy, Windows
from ...utils.fast_products import fast_products
from ..network import Network
from ..parts import Tensors
from .window_features import WindowFeatures

Clips = Sequence[Tensor]  # of any lengths
Samples = Sequence[MotionDataSample]
_FRAME_LABELS = ('target', 'target_weight', 'target_2d', 'target_2d_weight')


@MODELS.register_module()
class MotionEstimator(BaseModel, Network):
    """Backbone, optional neck and any number of heads; sizes that a config omits are inferred, see :class:`Network`.

    Args:
        backbone: config of the backbone.
        heads: configs by name; ``pose`` is the head that lifts, others that read frames only help to train.
        codec: config of the codec that the model is trained with; a model without a pose head may have none.
        neck: config of the neck.
        test_cfg: ``window``, the :class:`WindowPolicy` that cuts sequences at test time; ``flip_test``, whether to
            average with the mirrored input; ``batch_size``, windows in one forward pass; and for the papers' protocols
            ``merge=False``, which keeps the outputs of all windows side by side, ``zero_root=False``, which leaves the
            root where it is predicted, and ``shuffle_frames=True``, which feeds the frames of every window in a random
            order (P-STMO, Table 8).
        **base: ``data_preprocessor`` and ``init_cfg``, see mmengine's ``BaseModel``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        heads: dict[str, dict[str, Any]],
        codec: dict[str, Any] | None = None,
        neck: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.codec = CODECS.build(codec) if codec else None
        self.build_network(backbone, neck, heads)
        if 'pose' in heads and not codec:
            raise InputError('MotionEstimator: the head pose needs codec=dict(...), to decode what it predicts')
        test_cfg = {'flip_test': True, 'batch_size': 64, 'merge': True, 'zero_root': True, **(test_cfg or {})}
        self.window = self._window(test_cfg.get('window', {}))
        self.flip_test, self.batch_size = test_cfg['flip_test'], test_cfg['batch_size']
        self.merge, self.zero_root = test_cfg['merge'], test_cfg['zero_root']
        self.shuffle_frames: bool = test_cfg.get('shuffle_frames', False)
        self.whole_clips = 'pose' not in heads and bool(self._reading('clip'))

    def _window(self, given: dict) -> WindowPolicy:
        """Window policy of the config; what it omits follows from the frames that the pose head returns."""
        length = given.get('length', self.backbone.num_frames)
        frames = self.output_frames(length)[self.feature_of('pose')] if 'pose' in self.heads else torch.arange(length)
        given = {'length': length, 'outputs': len(frames), **given}
        if given['outputs'] == len(frames):
            given.setdefault('lead', int(frames[0]))
        window = WindowPolicy(**given)
        first = window.lead - int(frames[0])
        if not 0 <= first <= len(frames) - window.outputs:
            raise InputError(
                f'test_cfg: the window has {window.outputs} outputs, the model returns {len(frames)} of {length} '
                f'frames; leave outputs out'
            )
        self.kept = slice(first, first + window.outputs)
        return window

    def extract_feat(self, inputs: Tensor, valid: Tensor | None = None) -> Tensors:
        """Features of clips by name.

        Args:
            inputs: (B, T, J, C) as the codec encodes them, or (N, M, T, J, C) of M persons, who are folded into B.
            valid: (B, T) bool, False for padded frames.

        Returns:
            (B, T', J', D) each.
        """
        clips = inputs.flatten(0, -4)
        return self.features(self.codec.normalize_window(clips) if self.codec else clips, valid)

    def forward(
        self, inputs: Tensor | Clips, data_samples: MotionDataSample | Samples | None = None, mode: str = 'tensor'
    ) -> Tensors | list[MotionDataSample]:
        """See mmengine's ``BaseModel.forward``.

        Args:
            inputs: clips (B, T, J, C), or (N, M, T, J, C) of M persons; with ``mode='predict'`` whole sequences, a list
                of (T_i, J, C), or (M, T_i, J, C).
            data_samples: one stacked sample, or a list for ``'predict'``.
            mode: ``'tensor'``: each head's output by name; ``'loss'``: each
                head's losses; ``'predict'``: see :meth:`predict`.
        """
        if mode == 'predict':
            with fast_products(sum(clip.shape[-3] for clip in inputs), self.encoder_dtype):
                return self.predict(inputs, data_samples)
        samples = self._with_inputs(inputs, _with_present(inputs, data_samples))
        persons, valid = inputs.shape[1] if inputs.ndim == 5 else 1, samples.get('valid')
        features = self.extract_feat(inputs, valid if valid is None else valid.repeat_interleave(persons, 0))
        if mode == 'loss':
            return self.loss(features, samples, persons)
        return self.outputs(features, persons, samples.get('present'))

    def loss(self, features: Tensors, data_samples: MotionDataSample, persons: int = 1) -> Tensors:
        """Losses of all heads whose labels the batch has; with several heads their names become prefixes."""
        losses = {}
        for name, head in self.heads.items():
            if head.label not in data_samples:
                continue
            prefix = f'{name}.' if len(self.heads) > 1 else ''
            head_losses = head.loss(self.read(name, features, persons), self.labels_of(name, data_samples))
            losses.update({prefix + key: value for key, value in head_losses.items()})
        return losses

    def labels_of(self, name: str, data_samples: MotionDataSample) -> MotionDataSample:
        """The samples with the labels of those frames only that a head's feature stands for."""
        keys = (*_FRAME_LABELS, *self.heads[name].needs)
        labels = {key: data_samples.get(key) for key in keys if torch.is_tensor(data_samples.get(key))}
        frames = max((label.shape[1] for label in labels.values()), default=0)
        if frames <= 1:  # none, or the one that a many-to-one model returns
            return data_samples
        kept = self.output_frames(frames)[self.feature_of(name)]
        chosen = data_samples.clone()
        chosen.set_data({key: label[:, kept] for key, label in labels.items() if label.shape[1] == frames})
        return chosen

    def predict(self, inputs: Clips, data_samples: Samples, batch_size: int | None = None) -> list[MotionDataSample]:
        """Lifts whole sequences, classifies or embeds whole clips, recovers bodies.

        Args:
            inputs: see :meth:`forward`.
            data_samples: a sample for each; gets the fields that the heads' ``predicts`` name.
            batch_size: windows or clips in one forward pass; ``None`` is that of ``test_cfg``.

        Returns:
            The samples with ``pred_keypoints_3d`` (T, K, 3), metres, camera axes, root-relative, of the head ``pose``;
            without ``merge`` that is (P, K, 3), and ``pred_frames`` (P,) says which frame each of the windows' outputs
            stands for. Heads that read clips add ``pred_scores`` (classes,) or ``pred_embedding`` (D,): of the whole
            clip, or beside ``pose`` the mean over its windows, which go through the network once for all heads. A head
            that recovers bodies adds the fields of :meth:`MeshHead.recover`.
        """
        data_samples = [self._with_inputs(*pair) for pair in zip(inputs, data_samples, strict=True)]
        bodies = self._reading('body')
        for sequence, sample in zip(inputs, data_samples, strict=True) if bodies else ():  # a mesh is 400 times a pose
            self._predict_windows([sequence], [sample], bodies, batch_size)
        if self.whole_clips:
            self._predict_clips(inputs, data_samples, batch_size)
        elif 'pose' in self.heads:
            self._predict_windows(inputs, data_samples, ['pose', *self._reading('clip')], batch_size)
        return data_samples

    def _with_inputs(self, inputs: Tensor, sample: MotionDataSample) -> MotionDataSample:
        """Adds the inputs to a sample where a head needs them."""
        if any('inputs' in head.needs for head in self.heads.values()):
            sample.set_data({'inputs': inputs})
        return sample

    def _reading(self, kind: str) -> list[str]:
        return [name for name, head in self.heads.items() if head.reads == kind]

    def _predict_windows(self, inputs: Clips, samples: Samples, names: list[str], batch_size: int | None) -> None:
        """Adds predictions of heads that read the windows of sequences to the samples."""
        windows = self._read_windows(inputs, names, batch_size, samples[0])
        for sample, (cut, results) in zip(samples, windows, strict=True):
            for name, result in results.items():
                head = self.heads[name]
                if head.reads == 'clip':  # a tail that is dropped may leave no window
                    sample.set_data({key: value.sum(0) / max(len(value), 1) for key, value in result.items()})
                elif head.reads == 'body':
                    sample.set_data(head.recover(result, cut, sample, self.merge))
                    sample.set_metainfo({'pred_skeleton': 'h36m17'})
                else:
                    poses, frames = self._decode(result['pred_keypoints_3d'], cut, sample)
                    sample.set_data({'pred_keypoints_3d': poses, **({} if self.merge else {'pred_frames': frames})})
                    sample.set_metainfo({'pred_skeleton': self.codec.skeleton_3d.name})

    def _predict_clips(self, inputs: Clips, data_samples: Samples, batch_size: int | None) -> None:
        """Adds predictions for whole clips; those of one shape go through the network together."""
        for shape in dict.fromkeys(clip.shape for clip in inputs):
            alike = torch.tensor([i for i, clip in enumerate(inputs) if clip.shape == shape])
            for members in (part.tolist() for part in alike.split(batch_size or self.batch_size)):
                samples, present = MotionDataSample(), [data_samples[i].get('present') for i in members]
                if all(one is not None for one in present):
                    samples.present = torch.stack(present)
                result = self.read_clips(torch.stack([inputs[i] for i in members]), samples)
                for row, i in enumerate(members):
                    data_samples[i].set_data({key: value[row] for key, value in result.items()})

    def read_clips(self, clips: Tensor, samples: MotionDataSample | None = None) -> Tensors:
        """Clip-level predictions for whole clips.

        Args:
            clips: (N, T, J, C), or (N, M, T, J, C) of M persons.
            samples: with ``present`` (N, M) bool; by default those who are not 0 throughout.

        Returns:
            Fields of a sample by name, (N, ...) each.
        """
        features, persons = self.extract_feat(clips), clips.shape[1] if clips.ndim == 5 else 1
        samples, result = _with_present(clips, samples), {}
        for name in self._reading('clip'):
            result |= self.heads[name].predict(self.read(name, features, persons), samples)
        return result

    def lift(self, sequences: Clips, batch_size: int | None = None) -> list[Tensor]:
        """The poses of :meth:`over_time`, (T_i, K, 3) each."""
        return [result['pose'] for result in self.over_time(sequences, ['pose'], batch_size)]

    def over_time(
        self,
        sequences: Clips,
        names: Sequence[str],
        batch_size: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> list[Tensors]:
        """Per-frame outputs of the named heads for sequences of any length, in one pass of the network.

        Args:
            sequences: (T_i, J, C) each, as the codec encodes them.
            names: of heads: ``pose``, and any that read clips.
            batch_size: see :meth:`predict`.
            progress: called with the fraction of the windows that each batch was.

        Returns:
            By name for each sequence: poses (T_i, K, 3), metres, camera axes, root-relative, and (T_i, D) scores or
            embeddings; both are the mean of a frame's windows. Beside poses ``disagreement`` (T_i, K, 2), network
            units: how far the mirrored clip, and the frame's windows among themselves, are from that mean.

        Raises:
            InputError: a sequence has other joints or channels than the model.
        """
        tracks = []
        for cut, results in self._read_windows(sequences, names, batch_size, progress=progress):
            track = {}
            for name, result in results.items():
                mirrored = result.pop('mirrored', None)
                [value] = result.values()
                if name == 'pose':
                    track[name] = self._decode(value, cut)[0]
                    track['disagreement'] = cut.disagreement(value, mirrored)
                else:
                    track[name] = cut.merge(value.unsqueeze(1).expand(-1, self.window.outputs, -1))
            tracks.append(track)
        return tracks

    @torch.no_grad()
    def predict_sequences(
        self,
        sequences: Sequence[np.ndarray],
        names: Sequence[str],
        batch_size: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> list[dict[str, np.ndarray]]:
        """:meth:`over_time` for arrays, on the device of the weights."""
        device = next(self.parameters()).device
        tensors = [torch.from_numpy(sequence).to(device) for sequence in sequences]
        with fast_products(sum(map(len, tensors)), self.encoder_dtype):
            tracks = self.over_time(tensors, names, batch_size, progress)
        return [{name: value.cpu().numpy() for name, value in track.items()} for track in tracks]

    def _decode(self, poses: Tensor, cut: Windows, sample: MotionDataSample | None = None) -> tuple[Tensor, Tensor]:
        """Poses (P, K, 3) of a sequence from those of its windows (W, outputs, K, 3), and the frames that they show.

        Without a ``sample`` the windows are merged, whatever ``test_cfg`` says.
        """
        merge = self.merge or sample is None
        slots = torch.from_numpy(cut.inputs[:, self.window.lead :][:, : self.window.outputs]).to(poses.device)
        poses = cut.merge(poses) if merge else poses.flatten(0, 1)
        frames = torch.arange(len(poses), device=poses.device) if merge else slots.flatten()
        for name in self._reading('poses') if sample is not None else ():
            samples = _at(sample, self.heads[name].needs, frames[None])
            poses = self.heads[name].predict(poses.unsqueeze(0), samples)['pred_keypoints_3d'][0]
        return self.codec.decode(poses, sample, frames, self.zero_root), frames

    def _read_windows(
        self,
        sequences: Clips,
        names: Sequence[str],
        batch_size: int | None,
        sample: MotionDataSample | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Iterator[tuple[Windows, dict[str, Tensors]]]:
        """Windows of each sequence and the predictions for them (W, ...).

        ``sample`` is that of the first sequence, the only one where a head needs it. Without it the windows show every
        frame, also where a paper's protocol leaves some out.
        """
        skeleton = self.codec.skeleton
        for sequence in sequences:
            if sequence.ndim != 3 or sequence.shape[1] != skeleton.num_joints:
                raise InputError(
                    f'the model takes sequences (T, {skeleton.num_joints}, C) of {skeleton.name}, '
                    f'one has shape {tuple(sequence.shape)}; convert its keypoints first'
                )
        lengths = [len(sequence) for sequence in sequences]
        cuts, windows = self.window.cut_all(lengths, everything=sample is None)
        counts = [len(cut.inputs) for cut in cuts]
        everything = torch.cat(tuple(sequences))
        needs = [key for name in names for key in self.heads[name].needs]
        seen = np.random.default_rng(0).permuted(windows, axis=1) if self.shuffle_frames else windows
        # windows may overlap almost wholly, so their clips are gathered a batch at a time
        parts = torch.from_numpy(np.stack([windows, seen])).to(everything.device)
        flip = self.flip_test and any(self.heads[name].reads != 'clip' for name in names)
        mirrored = flip_keypoints(everything, skeleton) if flip else None
        neighbours = self.window.stride == self.window.dilation == 1 and not self.shuffle_frames
        alone = not self.codec.window_box
        features = WindowFeatures(self, everything, mirrored, self.extract_feat, alone, neighbours)
        whole, done = {}, 0
        for slots, rows in parts.split((batch_size or self.batch_size) * features.reach, 1):
            batch = self._read_batch(features(rows), len(rows), names, _at(sample, needs, slots))
            for place, value in {(name, key): v for name in names for key, v in batch[name].items()}.items():
                if done == 0:  # small results between large activations would keep memory in pieces
                    whole[place] = value.new_empty(len(windows), *value.shape[1:])
                whole[place][done : done + len(value)] = value
            done += len(rows)
            if progress:
                progress(len(rows) / len(windows))
        results = {name: {key: whole[n, key].split(counts) for n, key in whole if n == name} for name in names}
        for i, cut in enumerate(cuts):
            yield cut, {name: {key: parts[i] for key, parts in result.items()} for name, result in results.items()}

    def _read_batch(
        self, features: Tensors, count: int, names: Sequence[str], samples: MotionDataSample
    ) -> dict[str, Tensors]:
        """Predictions from features of B clips: poses (B, outputs, K, 3), bodies, or (B, D) of a clip.

        Where those of the mirrored clips follow, poses and bodies are the mean of both; heads that read clips see the
        plain ones only, as the papers' do.
        """
        plain = {key: value[:count] for key, value in features.items()}
        mirrored = {key: value[count:] for key, value in features.items()}
        results = {}
        for name in names:
            head = self.heads[name]
            result = _float(head.predict(self.read(name, plain), samples))
            if len(next(iter(mirrored.values()))) and head.reads != 'clip':
                other = _float(head.predict(self.read(name, mirrored), head.mirror(samples)))
                plain_result, result = result, head.mean_with_mirrored(result, other, self.codec.skeleton_3d)
                if head.reads == 'frames':
                    key = head.predicts[0]
                    result['mirrored'] = (result[key] - plain_result[key]).norm(dim=-1)
            kept = self.kept if head.reads == 'frames' else slice(None)
            results[name] = {key: value[:, kept] for key, value in result.items()}
        return results

    def pose(self, clips: Tensor) -> Tensor:
        """Network-space poses (B, T', K, 3) of clips (B, T, J, C), as the pose head predicts them."""
        return self.heads['pose'].predict(self.read('pose', self.extract_feat(clips)))['pred_keypoints_3d']


def _with_present(clips: Tensor, samples: MotionDataSample | None) -> MotionDataSample:
    """Samples with ``present`` (N, M) for clips of several persons: by default those who are not 0 throughout."""
    samples = MotionDataSample() if samples is None else samples
    if clips.ndim == 5 and 'present' not in samples:
        samples = samples.clone()
        samples.present = clips.flatten(2).any(-1)
    return samples


def _float(result: Tensors) -> Tensors:
    return {key: value.float() for key, value in result.items()}


def _at(sample: MotionDataSample | None, keys: Sequence[str], rows: Tensor) -> MotionDataSample:
    """One stacked sample of windows of a sequence: arrays at the frames ``rows`` (W, L), metadata W times."""
    windows = MotionDataSample()
    for key in keys if sample is not None else ():
        value = sample.get(key)
        if torch.is_tensor(value):
            windows.set_data({key: value.to(rows.device)[rows]})
        elif value is not None:
            windows.set_metainfo({key: [value] * len(rows)})
    return windows

"""One estimator for all downstream tasks."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from mmengine.model import BaseModel

from ...errors import InputError
from ...registry import CODECS, MODELS
from ...skeletons import flip_keypoints
from ...structures import MotionDataSample, WindowPolicy, Windows
from ..network import Network, feature_of

_FRAME_LABELS = ('target', 'target_weight', 'target_2d', 'target_2d_weight')


@MODELS.register_module()
class MotionEstimator(BaseModel, Network):
    """Backbone, perhaps a neck, and any number of heads; what a config may leave out: :class:`Network`.

    Args:
        backbone: config of the backbone.
        heads: configs by name; ``pose`` is the head that lifts.
        codec: config of the codec that the model is trained with; a model
            without a pose head may have none.
        neck: config of the neck.
        test_cfg: ``window``, the :class:`WindowPolicy` that cuts sequences at
            test time; ``flip_test``, whether to average with the mirrored
            input; ``batch_size``, windows in one forward pass; and for the
            papers' protocols ``merge=False``, which keeps the outputs of all
            windows side by side, and ``zero_root=False``, which leaves the root
            where it is predicted.
        data_preprocessor: see mmengine.
        init_cfg: see mmengine.
    """

    def __init__(
        self,
        backbone: dict,
        heads: dict[str, dict],
        codec: dict | None = None,
        neck: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.codec = CODECS.build(codec) if codec else None
        self.build_network(backbone, neck, heads)
        if 'pose' in heads and not codec:
            raise InputError('MotionEstimator: the head pose needs codec=dict(...), to decode what it predicts')
        test_cfg = dict(test_cfg or {})
        self.window = self._window(test_cfg.get('window', {}))
        self.flip_test: bool = test_cfg.get('flip_test', True)
        self.batch_size: int = test_cfg.get('batch_size', 64)
        self.merge: bool = test_cfg.get('merge', True)
        self.zero_root: bool = test_cfg.get('zero_root', True)

    def _window(self, given: dict) -> WindowPolicy:
        """What the config leaves out of the windows follows from the frames that the pose head returns."""
        length = given.get('length', self.backbone.num_frames)
        frames = torch.arange(length)
        if 'pose' in self.heads:
            frames = self.output_frames(length)[feature_of(self.heads['pose'])]
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

    def extract_feat(self, inputs: torch.Tensor, valid: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Features of clips by name.

        Args:
            inputs: (B, T, J, C) as the codec encodes them, or (N, M, T, J, C) of
                M persons, who are folded into B.
            valid: (B, T) bool, False for padded frames.

        Returns:
            (B, T', J', D) each.
        """
        clips = inputs.flatten(0, -4)
        return self.features(self.codec.normalize_window(clips) if self.codec else clips, valid)

    def forward(
        self,
        inputs: torch.Tensor | Sequence[torch.Tensor],
        data_samples: MotionDataSample | Sequence[MotionDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, torch.Tensor] | list[MotionDataSample]:
        """See mmengine's ``BaseModel.forward``.

        Args:
            inputs: clips (B, T, J, C), or (N, M, T, J, C) of M persons; with
                ``mode='predict'`` whole sequences, a list of (T_i, J, C), or
                (M, T_i, J, C).
            data_samples: one stacked sample, or a list for ``'predict'``.
            mode: ``'tensor'``: each head's output by name; ``'loss'``: each
                head's losses; ``'predict'``: see :meth:`predict`.
        """
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        persons = inputs.shape[1] if inputs.ndim == 5 else 1
        valid = None if data_samples is None else data_samples.get('valid')
        features = self.extract_feat(inputs, valid if valid is None else valid.repeat_interleave(persons, 0))
        present = _present(inputs, None if data_samples is None else data_samples.get('present'))
        if mode == 'loss':
            if present is not None and 'present' not in data_samples:
                data_samples = data_samples.clone()
                data_samples.present = present
            return self.loss(features, data_samples, persons)
        return {
            name: head(self.read(name, features, persons), *([present] if getattr(head, 'per_person', False) else []))
            for name, head in self.heads.items()
        }

    def loss(
        self, features: dict[str, torch.Tensor], data_samples: MotionDataSample, persons: int = 1
    ) -> dict[str, torch.Tensor]:
        """Losses of all heads whose labels the batch has; with several heads their names become prefixes."""
        losses = {}
        for name, head in self.heads.items():
            if getattr(head, 'label', 'target') not in data_samples:
                continue
            prefix = f'{name}.' if len(self.heads) > 1 else ''
            samples = self._labels_of(feature_of(head), data_samples)
            found = head.loss(self.read(name, features, persons), samples)
            losses.update({prefix + key: value for key, value in found.items()})
        return losses

    def _labels_of(self, feature: str, data_samples: MotionDataSample) -> MotionDataSample:
        """The samples with the labels of those frames only that a feature stands for."""
        labels = {key: data_samples.get(key) for key in _FRAME_LABELS if key in data_samples}
        frames = max((label.shape[1] for label in labels.values()), default=0)
        if frames <= 1:  # none, or the one that a many-to-one model returns
            return data_samples
        kept = self.output_frames(frames)[feature]
        chosen = data_samples.clone()
        chosen.set_data({key: label[:, kept] for key, label in labels.items()})
        return chosen

    def predict(
        self, inputs: Sequence[torch.Tensor], data_samples: Sequence[MotionDataSample]
    ) -> list[MotionDataSample]:
        """Lifts whole sequences, and classifies or embeds whole clips.

        Returns:
            The samples with ``pred_keypoints_3d`` (T, K, 3), metres, camera
            axes, root-relative, of the head ``pose``; without ``merge`` that is
            (P, K, 3), and ``pred_frames`` (P,) says which frame each of the
            windows' outputs stands for. Heads that read clips add what their
            ``prediction`` names, ``pred_scores`` (classes,) or
            ``pred_embedding`` (D,): of the whole clip, or beside ``pose`` the
            mean over its windows, which go through the network once for all
            heads. A head that recovers bodies adds what
            :meth:`MeshHead.recover` says.
        """
        self._recover_bodies(inputs, data_samples)
        readers = [name for name, head in self.heads.items() if hasattr(head, 'prediction')]
        if 'pose' not in self.heads:
            self._read_clips(inputs, data_samples, readers)
            return list(data_samples)
        read = self._read_windows(inputs, self.window, ['pose', *readers])
        for sample, (cut, slots, found) in zip(data_samples, read, strict=True):
            poses, frames = self._decode(found['pose'], cut, slots, self.merge, sample)
            sample.set_data({'pred_keypoints_3d': poses})
            if not self.merge:
                sample.set_data({'pred_frames': frames})
            sample.set_metainfo({'pred_skeleton': self.codec.skeleton_3d.name})
            for name in readers:
                mean = found[name].sum(0) / max(len(slots), 1)  # a tail that is dropped may leave no window
                sample.set_data({self.heads[name].prediction: mean})
        return list(data_samples)

    def _read_clips(
        self, inputs: Sequence[torch.Tensor], data_samples: Sequence[MotionDataSample], names: Sequence[str]
    ) -> None:
        """Adds what heads say of whole clips; those of one shape go through the network together."""
        for shape in dict.fromkeys(clip.shape for clip in inputs) if names else ():
            members = [i for i, clip in enumerate(inputs) if clip.shape == shape]
            clips = torch.stack([inputs[i] for i in members])
            features = self.extract_feat(clips)
            present = [data_samples[i].get('present') for i in members]
            present = _present(clips, None if any(p is None for p in present) else torch.stack(present))
            for name in names:
                head, persons = self.heads[name], shape[0] if len(shape) == 4 else 1
                found = head.predict(self.read(name, features, persons), present)
                for i, row in zip(members, found, strict=True):
                    data_samples[i].set_data({head.prediction: row})

    def _recover_bodies(self, inputs: Sequence[torch.Tensor], data_samples: Sequence[MotionDataSample]) -> None:
        """Adds the bodies of the heads that recover them, a sequence at a time: a mesh is 400 times a pose."""
        for name in [name for name, head in self.heads.items() if hasattr(head, 'recover')]:
            head = self.heads[name]

            def bodies(
                clips: torch.Tensor, *start: torch.Tensor, name: str = name, head: torch.nn.Module = head
            ) -> dict[str, torch.Tensor]:
                plain = head.predict(self.read(name, self.extract_feat(clips)), *start)
                if not self.flip_test:
                    return plain
                features = self.read(name, self.extract_feat(flip_keypoints(clips, self.codec.skeleton)))
                return head.mean_with_mirrored(plain, head.predict(features, *map(head.mirrored, start)))

            for sequence, sample in zip(inputs, data_samples, strict=True):
                cut = self.window.cut(len(sequence))
                parts = torch.from_numpy(cut.inputs).to(sequence.device).split(self.batch_size)
                found = [bodies(sequence[part], *head.start(sample, part)) for part in parts]
                head.recover(found, cut, sample, self.merge)

    def lift(self, sequences: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Lifts sequences of any lengths by overlapping windows.

        Args:
            sequences: (T_i, J, C) each, as the codec encodes them.

        Returns:
            (T_i, K, 3) each: metres, camera axes, root-relative.

        Raises:
            InputError: a sequence has other joints or channels than the model.
        """
        return [found['pose'] for found in self.over_time(sequences, ['pose'])]

    def over_time(
        self, sequences: Sequence[torch.Tensor], names: Sequence[str], batch_size: int | None = None
    ) -> list[dict[str, torch.Tensor]]:
        """What heads say of every frame of sequences of any lengths, in one pass of the network.

        Args:
            sequences: see :meth:`lift`.
            names: of heads: ``pose``, and any that read clips.
            batch_size: windows in one forward pass; ``None`` means the model's.

        Returns:
            By name for each sequence: poses as of :meth:`lift`, and (T_i, D)
            scores or embeddings: the mean of a frame's windows, weighted like
            its poses.
        """
        # every frame once, also where a paper's protocol leaves some out or keeps windows side by side
        window = replace(self.window, tail='shift') if self.window.tail == 'drop' else self.window
        tracks = []
        for cut, slots, found in self._read_windows(sequences, window, names, batch_size):
            pose = {'pose': self._decode(found.pop('pose'), cut, slots)[0]} if 'pose' in found else {}
            spread = {name: x.unsqueeze(1).expand(-1, window.outputs, -1) for name, x in found.items()}
            tracks.append({**pose, **{name: cut.merge(x) for name, x in spread.items()}})
        return tracks

    def _decode(
        self,
        poses: torch.Tensor,
        cut: Windows,
        slots: torch.Tensor,
        merge: bool = True,
        sample: MotionDataSample | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Poses (P, K, 3) of a sequence from those of its windows (W, outputs, K, 3), and the frames that they show."""
        poses = cut.merge(poses) if merge else poses.flatten(0, 1)
        frames = torch.arange(len(poses), device=poses.device) if merge else slots.flatten()
        return self.codec.decode(poses, sample, frames, self.zero_root), frames

    def _read_windows(
        self,
        sequences: Sequence[torch.Tensor],
        window: WindowPolicy,
        names: Sequence[str],
        batch_size: int | None = None,
    ) -> list[tuple[Windows, torch.Tensor, dict[str, torch.Tensor]]]:
        """Each sequence's windows, the frames (W, outputs) that they show, and what heads say of them, by name."""
        skeleton = self.codec.skeleton
        for sequence in sequences:
            if sequence.ndim != 3 or sequence.shape[1] != skeleton.num_joints:
                raise InputError(
                    f'the model takes sequences (T, {skeleton.num_joints}, C) of {skeleton.name}, '
                    f'one has shape {tuple(sequence.shape)}; convert its keypoints first'
                )
        cuts = [window.cut(len(sequence)) for sequence in sequences]
        everything = torch.cat(tuple(sequences))
        starts = np.cumsum([0, *(len(sequence) for sequence in sequences)])
        slots = [torch.from_numpy(cut.inputs).to(everything.device) for cut in cuts]
        windows = torch.cat([slot + int(start) for slot, start in zip(slots, starts[:-1], strict=True)])
        # windows may overlap almost wholly, so their clips are gathered a batch at a time
        batches = [
            self._predict_clips(everything[batch], names) for batch in windows.split(batch_size or self.batch_size)
        ]
        counts = [len(slot) for slot in slots]
        found = {name: torch.cat([batch[name] for batch in batches]).split(counts) for name in names}
        shown = [slot[:, window.lead : window.lead + window.outputs] for slot in slots]
        return [(cut, shown[i], {name: found[name][i] for name in names}) for i, cut in enumerate(cuts)]

    def _predict_clips(self, clips: torch.Tensor, names: Sequence[str]) -> dict[str, torch.Tensor]:
        """Poses (B, outputs, K, 3) and what other heads say (B, D) of clips (B, T, J, C), in one pass.

        With ``flip_test`` poses are the mean with those of the mirrored clips;
        heads that read clips see the plain ones only, as the papers' do.
        """
        flip = self.flip_test and 'pose' in names
        both = torch.cat([clips, flip_keypoints(clips, self.codec.skeleton)]) if flip else clips
        features = self.extract_feat(both)
        plain = {key: value[: len(clips)] for key, value in features.items()}
        found = {name: self.heads[name].predict(self.read(name, plain)) for name in names if name != 'pose'}
        if 'pose' in names:
            poses = self.heads['pose'].predict(self.read('pose', features)).float()[:, self.kept]
            if flip:
                poses, mirrored = poses.chunk(2)
                poses = (poses + flip_keypoints(mirrored, self.codec.skeleton_3d)) / 2
            found['pose'] = poses
        return {name: value.float() for name, value in found.items()}

    def pose(self, clips: torch.Tensor) -> torch.Tensor:
        """Network-space poses (B, T', K, 3) of clips (B, T, J, C), as the pose head predicts them."""
        return self.heads['pose'].predict(self.read('pose', self.extract_feat(clips)))


def _present(clips: torch.Tensor, named: torch.Tensor | None) -> torch.Tensor | None:
    """Who is there (N, M): whom the samples name, else who is not 0 throughout; ``None`` for clips of one person."""
    return clips.flatten(2).any(-1) if named is None and clips.ndim == 5 else named

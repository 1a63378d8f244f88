"""CMU motion capture as rotations of 31 bones, posed on any of its bodies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..utils.arrays import load_arrays
from .clip_batch import ClipBatch
from .cmu_mocap import CMUMocapDataset
from .sequences import Sequences, check_rows
from .transforms.base import next_rng
from .transforms.bodies import BONES, conjugate, multiply

_NEED = ('clip_id', 'joint_names', 'rotations', 'offsets', 'source_format', 'daz_turn', 'rotation_unit')
_HOW = (
    'it lies beside the file of 17 joints: cmu_train.npz and full_train.npz; that of fitted bodies is made by '
    'tools/dataset_converters/fit_mocap.py'
)
_MIXED = (slice(17, 24), slice(24, 31), slice(17, 31), slice(11, 31))  # left arm, right arm, both, all above the pelvis


def rotations_beside(joints: str | Path) -> Path:
    """The file of rotations that belongs to one of joints: ``full_train.npz`` beside ``cmu_train.npz``."""
    return Path(joints).parent / ('full_' + Path(joints).name.removeprefix('cmu_'))


@DATASETS.register_module()
class CMUSkeletonDataset(CMUMocapDataset):
    """CMU motion capture as global rotations of 31 bones: ``bone_rotations``, ``bone_offsets`` and ``world_root``.

    Clips of the one body in Daz's format (two thirds of all) have its odd limbs only on that body; on another one they
    are turned to what the subject did.

    Args:
        ann_file: as :class:`CMUMocapDataset` takes it; the file ``full_*.npz`` beside it holds the rotations.
        own_body: fraction of the windows that are shown on the body they come with; others on one of the subjects'.
        mix: fraction of the windows whose arms, or all above the pelvis, come from another clip.
        rotations: another file of rotations, such as those of fitted bodies (``fit_mocap.py``).
        **kwargs: see :class:`CMUMocapDataset`.

    Raises:
        InputError: a file is missing, lacks an array, or has other clips.
    """

    METAINFO = {**CMUMocapDataset.METAINFO, 'skeleton_3d': 'body17'}

    def __init__(self, own_body: float = 1.0, mix: float = 0.0, rotations: str | None = None, **kwargs: Any) -> None:
        self.own_body, self.mix, self.rotations = own_body, mix, rotations
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        sequences = super().load()
        path = Path(self.rotations) if self.rotations else rotations_beside(self.ann_file)
        full = load_arrays(path, _NEED, names=(), how=_HOW)
        check_rows(path, {**sequences.arrays, **full}, {'root': (3,), 'rotations': (31, 4)}, _HOW)
        if full['joint_names'].tolist() != list(BONES):
            raise InputError(f'{path}: joint_names are not the 31 of CMU; {_HOW}')
        numbers = {name: number for number, name in enumerate(full['clip_id'].tolist())}
        if not {info['sequence'] for info in sequences.infos} <= set(numbers):
            raise InputError(f'{path} lacks clips of {self.ann_file}; {_HOW}')
        daz, unit = full['source_format'] == 'bvh-daz', np.float32(full['rotation_unit'])
        for info in sequences.infos:
            number = numbers[info['sequence']]
            info |= {'offsets': full['offsets'][number].astype(np.float32), 'daz': bool(daz[number])}
        self._daz_turn = full['daz_turn'].astype(np.float32)
        self._bodies = np.unique(full['offsets'][~daz], axis=0).astype(np.float32)
        arrays = {'rotations': full['rotations'], 'root': sequences.arrays['root']}
        return Sequences(
            arrays,
            sequences.infos,
            sequences.metainfo,
            lambda rows: {'bone_rotations': rows['rotations'] * unit, 'world_root': rows['root']},
        )

    def read(self, infos: Sequence[dict], frames: Sequence[np.ndarray], metadata: Sequence[dict]) -> list[ClipBatch]:
        """See :class:`SequenceDataset`; bodies and clips to mix with are drawn by each sample's key."""
        rngs = [next_rng(entry) for entry in metadata]
        swapped = np.array([rng.random() >= self.own_body for rng in rngs])
        offsets = [
            self._bodies[rng.integers(len(self._bodies))] if swap and len(self._bodies) else info['offsets']
            for rng, swap, info in zip(rngs, swapped, infos, strict=True)
        ]
        batches, start = super().read(infos, frames, metadata), 0
        mixed = [rng.random() < self.mix for rng in rngs]
        for batch in batches:
            part = slice(start, start + len(batch))
            start = part.stop
            batch.arrays['bone_offsets'] = np.stack(offsets[part])
            batch.metadata['own_body'] = (~swapped[part]).tolist()
            turns = batch.arrays['bone_rotations']
            turns /= np.linalg.norm(turns, axis=-1, keepdims=True).clip(min=1e-6)
            daz = np.array([info['daz'] for info in infos[part]])
            turned = daz & swapped[part]
            turns[turned] = multiply(turns[turned], np.broadcast_to(self._daz_turn, turns[turned].shape))
            for row, (rng, mix) in enumerate(zip(rngs[part], mixed[part], strict=True)):
                if mix:
                    turns[row] = self._mixed(turns[row], bool(daz[row] and not turned[row]), rng)
        return batches

    def _mixed(self, turns: np.ndarray, daz_body: bool, rng: np.random.Generator) -> np.ndarray:
        """Rotations (T, 31, 4) with a part of the body from another clip, relative to the bone that carries it."""
        part, other = _MIXED[rng.integers(len(_MIXED))], int(self.windows[rng.integers(len(self.windows)), 0])
        info = self._cached_info(other)[0]
        if daz_body and not info['daz']:  # whose limbs are turned otherwise
            return turns
        first = int(rng.integers(max(info['length'] - len(turns), 0) + 1))
        rows = info['first'] + np.minimum(first + np.arange(len(turns)), info['length'] - 1)
        foreign = self.decode({key: np.asarray(self.arrays[key][rows], np.float32) for key in self.arrays})
        foreign = foreign['bone_rotations'] / np.linalg.norm(foreign['bone_rotations'], axis=-1, keepdims=True)
        if info['daz'] and not daz_body:
            foreign = multiply(foreign, np.broadcast_to(self._daz_turn, foreign.shape))
        carrier = 0 if part.start == 11 else 13
        carried = multiply(turns[:, carrier], conjugate(foreign[:, carrier]))[:, None]
        return np.concatenate([turns[:, : part.start], multiply(carried, foreign[:, part]), turns[:, part.stop :]], 1)

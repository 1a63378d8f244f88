"""Files in the format of ``data_3d_humaneva15.npz`` and ``data_2d_humaneva15_*.npz``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .h36m import KEPT, make_take, metadata, write_objects

# of our 32 joints, in HumanEva's order: pelvis, thorax, left and right arm, left and right leg, head
_JOINTS = [KEPT[i] for i in (0, 8, 11, 12, 13, 14, 15, 16, 4, 5, 6, 1, 2, 3, 10)]
TOY = {
    'Train/S1': {'Walking 1 chunk0': 30, 'Walking 1 chunk2': 21, 'Box 1 chunk0': 18},
    'Train/S2': {'Gestures 1 chunk0': 25},
    'Validate/S1': {'Walking 1 chunk0': 24, 'Jog 1 chunk1': 19},
    'Validate/S2': {'Walking 1 chunk0': 17},
    'Unlabeled/S4': {'Walking 1 chunk0': 12},
}


def write_humaneva(folder: Path, seed: int = 0, plan: Mapping[str, Mapping[str, int]] = TOY) -> Path:
    """Writes the 3D file and a 2D file of COCO joints, whose pixels mean nothing."""
    rng = np.random.default_rng(seed)
    poses = {s: {take: make_take(rng, n)[:, _JOINTS] for take, n in takes.items()} for s, takes in plan.items()}
    pixels = {
        s: {take: list(rng.uniform(0, 480, (3, n, 17, 2)).astype(np.float32)) for take, n in takes.items()}
        for s, takes in plan.items()
    }
    write_objects(folder / 'data_3d_humaneva15.npz', positions_3d=poses)
    facts = metadata('coco17', layout_name='coco')
    write_objects(folder / 'data_2d_humaneva15_detectron_pt_coco.npz', positions_2d=pixels, metadata=facts)
    return folder

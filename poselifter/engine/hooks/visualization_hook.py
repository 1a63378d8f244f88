"""Draws predictions while testing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...registry import HOOKS, WRITERS
from ...skeletons import get_skeleton
from ...structures import KeypointTable, MotionDataSample, Result
from ...utils import safe_name


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Writes one picture for each of the first test sequences: input, prediction and truth.

    Args:
        out_dir: folder for the pictures, ``<number>_<sequence>.png``.
        limit: how many sequences to draw.
    """

    def __init__(self, out_dir: str, limit: int = 8) -> None:
        self.out_dir, self.limit = Path(out_dir), limit
        self.drawn = 0

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[MotionDataSample] | None = None
    ) -> None:
        """Draws the sequences of this batch that are still to be drawn."""
        if runner.rank != 0 or self.drawn >= self.limit:
            return
        for keypoints, sample in zip(data_batch['inputs'], outputs or (), strict=True):
            if self.drawn < self.limit and 'pred_keypoints_3d' in sample:
                self._draw(sample.get('keypoints', keypoints), sample)
                self.drawn += 1

    def _draw(self, keypoints: torch.Tensor, sample: MotionDataSample) -> None:
        truth, root = sample.get('lifting_target'), get_skeleton(sample.skeleton_3d).root or 0
        result = Result(
            KeypointTable.of_person(keypoints[..., :2].cpu().numpy(), skeleton=sample.skeleton),
            sample.pred_keypoints_3d.cpu().numpy(),
            sample.skeleton_3d,
            truth=None if truth is None else (truth - truth[:, [root]]).cpu().numpy(),
        )
        name = safe_name(sample.get('sequence', 'sequence'))
        WRITERS.get('png')(self.out_dir / f'{self.drawn:03d}_{name}.png', result)

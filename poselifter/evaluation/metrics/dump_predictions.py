"""Writes predictions to a file."""

import pickle
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import DumpResults

from ...registry import METRICS
from ...utils import atomic_write


@METRICS.register_module()
class DumpPredictions(DumpResults):
    """Writes all predictions as a pickled list of dicts, one a sequence, of numpy arrays and plain metadata.

    Args:
        out_file_path: the file; ends with ``.pkl`` or ``.pickle``.
        **kwargs: of mmengine's ``DumpResults``.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        self.results.extend(_to_numpy(sample) for sample in data_samples)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        with atomic_write(self.out_file_path) as temporary:
            temporary.write_bytes(pickle.dumps(results))
        return {}


def _to_numpy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, dict):
        return {key: _to_numpy(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_to_numpy(entry) for entry in value)
    return value

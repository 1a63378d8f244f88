"""Files that keep the finished parts of a long computation, so that a stopped run goes on where it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import load_arrays, save_arrays


@dataclass(frozen=True)
class CacheFile:
    """An npz that keeps a finished part; it counts only while its fingerprint stays the same.

    Attributes:
        path: the npz file; its folder is made when it is written.
        fingerprint: of all that the part depends on: source files, options, version of the program.
    """

    path: Path
    fingerprint: str

    def load(self) -> dict[str, Any] | None:
        """Arrays and metadata by name; ``None`` where the file is missing, damaged, or of another fingerprint."""
        try:
            arrays = load_arrays(self.path)
            metadata = json.loads(arrays.pop('metadata').item())
            return arrays | metadata if metadata.pop('fingerprint') == self.fingerprint else None
        except Exception:  # a foreign or damaged file fails in any way; the part is computed again
            return None

    def save(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        """Writes arrays, and metadata that JSON can say, whole or not at all.

        Raises:
            InputError: the folder cannot be written to.
        """
        text = json.dumps({**metadata, 'fingerprint': self.fingerprint})
        save_arrays(self.path, {**arrays, 'metadata': text}, compressed=False)

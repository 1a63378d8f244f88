"""Exported models: lifting by onnxruntime, without torch."""

import json
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, reading
from ..light_registry import CODECS
from ..skeletons import flip_keypoints
from ..structures import WindowPolicy
from ..utils import count_threads, load_plugins

if TYPE_CHECKING:
    from ..codecs.base import BaseCodec

FORMAT = 1  # of the metadata
_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}


class ExportedModel:
    """A model that lifts, of a file that :func:`~poselifter.apis.export_model` wrote, for all that takes a model.

    Args:
        path: the ONNX file.
        device: ``'cpu'``, or ``'cuda'`` with onnxruntime-gpu.
        threads: of one call; ``None`` means all cores.

    Attributes:
        metadata: of the file, see :func:`~poselifter.apis.export.metadata_of`.
        codec, window: those of the model.

    Raises:
        InputError: onnxruntime is not installed, the file is missing, damaged or another model, or the device cannot be
            used.

    Example::

        inferencer = Pose3DInferencer(ExportedModel('lifter.onnx', threads=1))
    """

    def __init__(self, path: str | os.PathLike[str], device: str = 'cpu', threads: int | None = None) -> None:
        self.session: Any = open_session(path, device, threads)
        texts = self.session.get_modelmeta().custom_metadata_map
        if 'poselifter' not in texts:
            raise InputError(f'{path} was not exported by poselifter: it does not say how to use it; export it again')
        with reading(f'{path} has metadata that this version does not know', 'export it again'):
            metadata = {key: json.loads(text) for key, text in texts.items()}
            self.metadata: dict[str, Any] = metadata
            if metadata['poselifter']['format'] > FORMAT:
                raise ValueError(f'format {metadata["poselifter"]["format"]} of a later version')
            load_plugins()  # they may have the codec
            self.codec: BaseCodec = CODECS.build(metadata['codec'])
            self.window: WindowPolicy = WindowPolicy(**metadata['window'])
            test = metadata['test']
            self.flip_test: bool = test['flip_test']
            self.batch_size: int = test['batch_size']
            self.zero_root: bool = test['zero_root']
            self.slides: bool = metadata['slides']
        self.cfg: dict[str, Any] = {
            'filename': str(path),
            'model_name': metadata['model'],
            'uncertainty': metadata['uncertainty'],
        }
        self.heads: dict[str, SimpleNamespace] = {'pose': SimpleNamespace(reads='frames')}

    def predict_sequences(
        self,
        sequences: Sequence[np.ndarray],
        names: Sequence[str],
        batch_size: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> list[dict[str, np.ndarray]]:
        """See :meth:`~poselifter.models.estimators.MotionEstimator.over_time`; the one name is ``pose``."""
        cuts, windows = self.window.cut_all([len(sequence) for sequence in sequences])
        frames = np.concatenate(sequences)
        size = (batch_size or self.batch_size) * (self.window.length if self.slides else 1)
        # two calls: one of both in one batch took 0 to 4 % longer (mixste_bodies_27, 1 to 16 windows, one thread)
        sources = [frames, flip_keypoints(frames, self.codec.skeleton)] if self.flip_test else [frames]
        means, mirrored = [], []
        for rows in np.split(windows, range(size, len(windows), size)):
            plain, *others = (self._poses(source, rows) for source in sources)
            means.append((plain + flip_keypoints(others[0], self.codec.skeleton_3d)) / 2 if others else plain)
            mirrored.append(np.linalg.norm(means[-1] - plain, axis=-1))
            if progress:
                progress(len(rows) / len(windows))
        bounds = np.cumsum([len(cut.inputs) for cut in cuts])[:-1]
        parts = zip(cuts, *(np.split(np.concatenate(each), bounds) for each in (means, mirrored)), strict=True)
        return [
            {
                'pose': self.codec.decode(cut.merge(poses), zero_root=self.zero_root),
                'disagreement': cut.disagreement(poses, distances),
            }
            for cut, poses, distances in parts
        ]

    def _poses(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Poses (B, outputs, K, 3) of windows (B, T) of frames; neighbours may go through the network as one clip."""
        if not self.slides:
            return self.run(frames[rows])
        runs = np.split(rows, np.flatnonzero((rows[1:, :-1] != rows[:-1, 1:]).any(1)) + 1)
        clips = [frames[np.concatenate([run[0], run[1:, -1]])] for run in runs]
        return np.concatenate([self.run(clip[None])[0] for clip in clips])[:, None]

    def run(self, clips: np.ndarray) -> np.ndarray:
        """Network-space poses (B, T', K, 3) of clips (B, T, J, C) as the codec encodes them."""
        return self.session.run(['poses'], {'inputs': np.ascontiguousarray(clips, np.float32)})[0]


def open_session(path: str | os.PathLike[str], device: str = 'cpu', threads: int | None = None) -> Any:
    """A session of onnxruntime, which computes on a device; raises InputError if it cannot."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError('an exported model needs onnxruntime; run: pip install onnxruntime') from error
    if not os.path.isfile(path):
        raise InputError(f'{path} does not exist; give a file that `poselifter export` wrote')
    provider = _PROVIDERS.get(device.split(':')[0])
    if provider not in onnxruntime.get_available_providers():
        raise InputError(f'device {device!r} cannot be used by this onnxruntime; try cpu')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads or count_threads(), 3
    with reading(f'{path} is no whole ONNX file', 'export it again', (Exception,)):
        return onnxruntime.InferenceSession(str(path), options, [provider])

"""Text-to-motion retrieval: clips that match a text."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..checkpoints import load_checkpoint_file, load_weights
from ..engine.config import load_config
from ..engine.tool import config_errors
from ..errors import InputError
from ..io import check_target, notes_on
from ..models.estimators import TextMotionPretrainer
from ..registry import DATASETS
from ..structures import KeypointTable, WindowPolicy
from ..utils import CacheFile
from ..utils.arrays import load_arrays
from . import zoo
from .inference import init_model
from .inferencers import read_table
from .prediction import assumptions
from .track_clips import at_rate, track_clips

SUFFIXES = ('.npz', '.npy', '.json')
CACHE = '.poselifter_search.npz'
_TEXT_SIDE = ('text_encoder.', 'text_head.text_pool.')


def init_text_motion(
    config: str | os.PathLike[str] | Any,
    checkpoint: str | os.PathLike[str] | None = None,
    motion_checkpoint: str | os.PathLike[str] | None = None,
    device: str = 'cpu',
    cfg_options: dict[str, Any] | None = None,
) -> nn.Module:
    """Builds a model of texts and motion, in eval mode.

    Fine-tuning drops the text side. To ask the fine-tuned encoder, as the paper
    does for its Figure 8, both files are needed.

    Args:
        config: of the pretraining, or a model of the zoo.
        checkpoint: what the pretraining left; of a model of the zoo by default its weights.
        motion_checkpoint: what the fine-tuning left, whose backbone takes the place of the pretraining's, and whose
            frame rate that of the model.
        device, cfg_options: see :func:`init_model`.

    Raises:
        InputError: the model or the first file has no text side, or the second not all of the backbone.
    """
    if checkpoint is not None and not any('text_head.' in key for key in _read_weights(checkpoint)[0]):
        raise InputError(
            f'{checkpoint} has no text side (text_head); give what a pretraining with texts left, and a fine-tuned '
            f'encoder besides (--motion-checkpoint)'
        )
    model = init_model(config, checkpoint, device, cfg_options)
    if not isinstance(model, TextMotionPretrainer):
        raise InputError(
            f'{config} is the config of a {type(model).__name__}, which knows no texts; give one of a '
            f'TextMotionPretrainer, such as configs/actionpose/pretrain_procedural.py'
        )
    if motion_checkpoint is not None:
        tensors, fps = _read_weights(motion_checkpoint)
        weights = {key: value for key, value in tensors.items() if key.startswith('backbone.')}
        missing = sorted(key for key in model.state_dict() if key.startswith('backbone.') and key not in weights)
        if missing:
            raise InputError(
                f'{motion_checkpoint} lacks {len(missing)} tensors of the backbone, such as {missing[0]}; give what '
                f'was fine-tuned from {checkpoint or "this model"}'
            )
        load_weights(model, {'state_dict': weights}, strict=False)
        model.codec.fps = fps or model.codec.fps
    return model


def _read_weights(name: str | os.PathLike[str]) -> tuple[dict[str, torch.Tensor], float | None]:
    """Tensors of a checkpoint file, or of a model of the zoo, and the frame rate that it was trained at, if it says."""
    content = load_checkpoint_file(zoo.resolve(str(name)))
    return content['state_dict'], content.get('meta', {}).get('fps')


@dataclass
class ClipWindows:
    """Windows of clips in the common space.

    Attributes:
        embeddings: (W, E) float32.
        clips: (W,) name of the file or sequence.
        tracks: (W,) ids of persons of a file as JSON, since they may be numbers or words.
        seconds: (W, 2) where a window begins and ends.
    """

    embeddings: np.ndarray
    clips: np.ndarray
    tracks: np.ndarray
    seconds: np.ndarray

    @classmethod
    def join(cls, parts: 'list[ClipWindows]') -> 'ClipWindows':
        """Concatenates one or more."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def __getitem__(self, rows: np.ndarray) -> 'ClipWindows':
        return ClipWindows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class MotionSearch:
    """Ranks the clips of a library by similarity to a text.

    A window slides over each person's track; a clip is as near to the text as its best window.

    Args:
        model: from :func:`init_text_motion`.
        stride: frames between windows; ``None`` means half a window.
        batch_size: windows in one forward pass.

    Attributes:
        notes: lines on files that could not be read, and on what was left out or guessed in others, of the last
            library; of files that the cache keeps there are none.

    Example::

        search = MotionSearch(init_text_motion('pretrain_procedural.py', 'epoch_18.pth'))
        for hit in search('a person waves', 'clips/', top=3):
            print(hit['rank'], hit['score'], hit['file'], hit['from'], hit['to'])
    """

    def __init__(self, model: nn.Module, stride: int | None = None, batch_size: int = 64) -> None:
        if batch_size < 1:
            raise InputError(f'batch_size is {batch_size}, expected 1 or more')
        self.model: nn.Module = model
        self.batch_size: int = batch_size
        self.length: int = model.backbone.num_frames
        self.window: WindowPolicy = WindowPolicy(self.length, stride=stride or max(self.length // 2, 1))
        self.notes: list[str] = []

    def __call__(
        self,
        text: str,
        library: str | os.PathLike[str],
        top: int | None = 10,
        moments: int = 1,
        cache: str | os.PathLike[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Finds clips.

        Args:
            text: what they shall show.
            library, cache: see :meth:`windows`.
            top: how many at the most; ``None`` gives all.
            moments: how often a track may come, each time with another window that does not overlap the better ones.

        Returns:
            Best first: ``rank``, ``score`` (cosine), ``file``, ``track``, ``from`` and ``to`` in seconds.

        Raises:
            InputError: the text is empty, or the library holds no clip.
        """
        if not text.strip() or (top is not None and top < 1) or moments < 1:
            raise InputError(f'the text is {text!r}, top {top} and moments {moments}; expected words, 1 or more')
        asked, windows = self.model.embed_texts([text])[0].float().cpu().numpy(), self.windows(library, cache)
        scores = windows.embeddings @ asked
        hits, taken = [], {}
        for i in np.argsort(-scores, kind='stable'):
            start, end = windows.seconds[i].tolist()
            place = str(windows.clips[i]), json.loads(str(windows.tracks[i]))
            others = taken.setdefault(place, [])
            if len(others) >= moments or any(start < b and a < end for a, b in others):
                continue
            others.append((start, end))
            hit = {'rank': len(hits) + 1, 'score': float(scores[i]), 'file': place[0], 'track': place[1]}
            hits.append({**hit, 'from': start, 'to': end})
        return hits[:top]

    def windows(self, library: str | os.PathLike[str], cache: str | os.PathLike[str] | None = None) -> ClipWindows:
        """All windows of a library.

        Args:
            library: a folder with files of keypoints, in all that is below it;
                or the config file of a data set, whose test sequences it is.
            cache: file that keeps a folder's embeddings; by default ``CACHE`` in the folder. Files that changed, and
                all of them after the weights did, are embedded anew.

        Raises:
            InputError: there is no clip, or the cache cannot be written.
        """
        self.notes = []
        if Path(library).suffix == '.py':
            return ClipWindows.join(list(self._dataset(library)))
        folder = Path(library)
        if not os.path.isdir(folder) or not os.access(folder, os.R_OK | os.X_OK):
            raise InputError(f'the library {folder} is no folder to read; give one with keypoint files, or a config')
        if cache and os.path.exists(cache):  # another file would be replaced
            load_arrays(cache, ('embeddings', 'metadata'), (), 'choose another name for the cache')
        cache = CacheFile(Path(cache or folder / CACHE), self.fingerprint())
        check_target(cache.path)
        files = sorted(p for p in folder.rglob('*') if p.suffix.lower() in SUFFIXES and p.name[0] != '.')
        files = [path for path in files if path.resolve() != cache.path.resolve()]
        if not files:
            raise InputError(f'the library {folder} has no files of keypoints ({", ".join(SUFFIXES)}); put some in it')
        known, parts = _read_windows(cache), {}
        for path in files:
            name = path.relative_to(folder).as_posix()
            try:
                stat = path.stat()
                key = f'{name}|{stat.st_size}|{stat.st_mtime_ns}'
                if key in known:
                    parts[key] = known[key]
                    continue
                table = read_table(path)
                parts[key] = self.embed_table(table, name)
                notes = [*notes_on(table)[1:], *assumptions(self.model.codec, table)]
                self.notes += [f'{name}: {note}' for note in notes]
            except (InputError, OSError) as error:
                self.notes.append(f'left out: {error}')
        if not parts:
            raise InputError(f'no file of the library {folder} holds keypoints; {self.notes[0]}')
        windows = ClipWindows.join(list(parts.values()))
        if parts.keys() != known.keys():
            cache.save(vars(windows), {'keys': list(parts), 'counts': [len(part.tracks) for part in parts.values()]})
        return windows

    def fingerprint(self) -> str:
        """Hash of what embeddings depend on besides the clips: weights of the motion side, codec, windows."""
        digest = hashlib.sha256(repr((vars(self.model.codec), self.window)).encode())
        for key, value in sorted(self.model.state_dict().items()):
            if not key.startswith(_TEXT_SIDE):
                digest.update(key.encode() + value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def embed_table(self, table: KeypointTable, name: str) -> ClipWindows:
        """The windows of all tracks of a table; ``name``: of its file."""
        parts = []
        for clip in track_clips(self.model.codec, table):
            first = table.seconds(self.model.codec.fps)[clip.rows.start]
            inputs = torch.from_numpy(self.model.codec.encode(clip.sample)['inputs'])
            parts.append(self.embed(inputs, name, table.track_ids[clip.rows.start].item(), first))
        return ClipWindows.join(parts)

    def _dataset(self, config: str | os.PathLike[str]) -> Iterator[ClipWindows]:
        """The windows of each test sequence of a config."""
        cfg = load_config(config)
        if not cfg.get('test_dataloader'):
            raise InputError(f'the config {config} has no test_dataloader, whose sequences would be the library')
        with config_errors(cfg):
            dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'test_mode': True})
        for item in dataset:
            sample = item['data_samples']
            name = ' '.join(str(sample.get(key)) for key in ('sequence', 'camera') if sample.get(key))
            rate = sample.get('fps') or cfg.get('codec', {}).get('fps')
            yield self.embed(at_rate(item['inputs'], rate, self.model.codec.fps), name)

    @torch.no_grad()
    def embed(self, inputs: torch.Tensor, name: str, track: int | str = 0, first: float = 0.0) -> ClipWindows:
        """The windows of a sequence (T, J, C), as the codec encodes it, which begins at ``first``, seconds."""
        frames = self.window.cut(len(inputs)).inputs
        inputs = inputs.to(next(self.model.parameters()).device)
        batches = torch.from_numpy(frames).to(inputs.device).split(self.batch_size)
        rows = torch.cat([self.model.embed_clips(inputs[batch]) for batch in batches]).float().cpu().numpy()
        seconds = first + np.stack([frames[:, 0], frames[:, -1] + 1], 1) / self.model.codec.fps
        return ClipWindows(rows, np.full(len(rows), name), np.full(len(rows), json.dumps(track)), seconds)


def _read_windows(cache: CacheFile) -> dict[str, ClipWindows]:
    """The kept windows by file, its size and time."""
    kept = cache.load()
    if kept is None:
        return {}
    try:
        keys, counts = kept.pop('keys'), kept.pop('counts')
        arrays = [np.split(kept[name], np.cumsum(counts)[:-1]) for name in ClipWindows.__dataclass_fields__]
        whole = all(len(kept[name]) == sum(counts) for name in ClipWindows.__dataclass_fields__)
        return {key: ClipWindows(*part) for key, *part in zip(keys, *arrays, strict=True)} if whole else {}
    except (KeyError, TypeError, ValueError, IndexError):  # damaged: all is embedded anew
        return {}

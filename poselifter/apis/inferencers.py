"""Inferencers: keypoints of files, arrays or tables to poses, actions and bodies, and to files of them."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from glob import has_magic
from pathlib import Path
from typing import Any

import numpy as np

from ..detection import detect_keypoints, is_film, open_frames
from ..errors import InputError, reading
from ..io import check_formats, check_targets, existing_files, notes_on, read_keypoints, result_files, write_results
from ..light_registry import INFERENCERS
from ..structures import KeypointTable, Result
from ..structures.keypoint_table import split_scores
from ..tracking import choose_persons, link_persons, mend_tracks
from ..tracking.box_trackers import track_boxes
from ..tracking.signals import DEFAULT_SMOOTHING
from ..utils import release_memory
from ..utils.arrays import load_arrays
from ..world import World, place_in_world
from .exported import ExportedModel
from .prediction import assumptions, predict_table
from .zoo import DEFAULT_MODEL


class BaseInferencer(ABC):
    """Base of all inferencers: read, predict, write; one object serves any number of inputs.

    Args:
        model: a name of the zoo, a config file, an exported ``.onnx`` file, which needs no torch, a model of
            :func:`~poselifter.apis.init_model`, or an :class:`~poselifter.apis.ExportedModel`.
        weights: checkpoint; ``None`` means the zoo's for that name.
        device: for example ``'cpu'`` or ``'cuda:0'``.

    Attributes:
        gives: fields of the results.
        formats: of the files, where a call names none.
        ending: what the names of the files have behind the name of the input.
        untrained: the model was built of a config without weights, which the notes say.
        reads: files besides the inputs, which no result may replace.

    Raises:
        InputError: no such model or weights, or one that cannot do this.
    """

    gives: tuple[str, ...]
    formats: tuple[str, ...]
    ending: str = ''
    reads: Sequence[str | os.PathLike[str] | None] = ()

    def __init__(
        self, model: str | os.PathLike[str] | Any, weights: str | os.PathLike[str] | None = None, device: str = 'cpu'
    ) -> None:
        self.origin: dict[str, Any] = {'model': model, 'weights': weights}
        self.model: Any = open_model(model, weights, device)
        named = isinstance(model, (str, os.PathLike)) and not str(model).endswith('.py')
        self.untrained: bool = weights is None and self.model is not model and not named

    def __call__(
        self,
        inputs: str | os.PathLike[str] | np.ndarray | KeypointTable | Sequence[Any],
        out_dir: str | os.PathLike[str] | None = None,
        formats: Sequence[str] | None = None,
        skeleton: str | None = None,
        img_shape: tuple[int, int] | None = None,
        fps: float | None = None,
        batch_size: int | None = None,
        top_k: int = 3,
        detector: str | None = None,
        start: float | None = None,
        end: float | None = None,
        person: int | str | None = None,
        largest: bool = False,
        replace_files: bool = True,
        world: World | None = None,
        tracker: str | None = None,
        **options: Any,
    ) -> Iterator[dict[str, Any]]:
        """Predicts for one input after the other.

        Args:
            inputs: a film, a folder of pictures, a file that :func:`~poselifter.io.read_keypoints` reads, an
                array (T, J, 2 or 3), a :class:`KeypointTable`, or a list of such.
            out_dir: where results are written; ``None`` writes nothing.
            formats: of the files, see :func:`~poselifter.io.list_formats`.
            skeleton: joint set, where the input does not say.
            img_shape: (height, width), where the input does not say.
            fps: frame rate, where the input does not say.
            batch_size: windows in one forward pass; ``None`` means the model's.
            top_k: classes in ``top``, where actions are recognised.
            detector: that finds keypoints in films, see :func:`~poselifter.detection.build_detector`.
            start: seconds of a film to begin at.
            end: seconds of a film to end at.
            person: id of the only one, or several with commas; ``None`` takes all.
            largest: only the person who fills most of the picture over time.
            replace_files: write over files that exist; else they stay, and an input that has all of them is skipped.
            world: puts the persons of poses into the world, with what is known of it; ``None`` does not.
            tracker: of persons without ids, see :func:`~poselifter.tracking.box_trackers.track_boxes`; ``None`` means
                :func:`~poselifter.tracking.link_persons`.
            **options: of ``predict``, see the class.

        Yields:
            As each input is done, ``notes``: lines on what was recognised, converted, mended and assumed;
            ``predictions``: see the class, ``None`` of what was skipped; ``visualization``: the files of the result;
            ``result``: the :class:`Result`.

        Raises:
            InputError: an input cannot be read, predicted or written, or a result would replace an input or a result.
        """
        formats = self.formats if formats is None else formats
        check_formats(formats, self.gives)
        if (batch_size is not None and batch_size < 1) or top_k < 1:
            raise InputError(f'batch_size is {batch_size} and top_k {top_k}, expected 1 or more')
        items = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        stems = [stem_of(item, 'keypoints') for item in items]
        check_targets(out_dir, [stem + self.ending for stem in stems], formats, [*items, *self.reads])
        chosen = {'skeleton': skeleton, 'img_shape': img_shape, 'fps': fps, 'detector': detector, 'start': start}
        chosen |= {'end': end, 'person': person, 'largest': largest, 'world': world, 'tracker': tracker}
        settings = self._settings({**chosen, **options})
        for item, stem in zip(items, stems, strict=True):
            path = None if out_dir is None else Path(out_dir) / (stem + self.ending)
            older, missing = ([], list(formats)) if path is None or replace_files else _present(path, formats)
            changed = _changed_settings(older, settings)
            if older and not missing:
                note = _check_older(item, older)
                yield {'notes': [note, *changed], 'predictions': None, 'visualization': older, 'result': None}
                continue
            results, notes = self._results(item, chosen, batch_size, options)
            count = len(results)
            for number in range(count):
                result = results.pop(0)  # not kept: of an hour it takes much room
                result.top_k, result.settings = top_k, settings
                if isinstance(item, (str, os.PathLike)) and is_film(item):
                    result.film = open_frames(item, fps, start, end)
                result, placed = (result, []) if world is None else place_in_world(result, world)
                release_memory()
                numbered = path and path.with_name(path.name + (f'_{number}' if count > 1 else ''))
                yield self._entry(result, numbered, missing, changed + notes + placed)

    def _results(
        self, item: Any, chosen: dict[str, Any], batch_size: int | None, options: dict[str, Any]
    ) -> tuple[list[Result], list[str]]:
        """Results of an input, and lines on what was recognised, converted, mended and assumed."""
        film = {key: chosen[key] for key in ('detector', 'start', 'end')}
        table = read_table(item, *(chosen[key] for key in ('skeleton', 'img_shape', 'fps')), film, chosen['tracker'])
        table = mend_tracks(choose_persons(table, chosen['person'], chosen['largest']))
        release_memory()
        results = self.predict(table, batch_size, **options)
        release_memory()
        return results, [*notes_on(table), *assumptions(self.model.codec, table)]

    def _entry(self, result: Result, path: Path | None, formats: Sequence[str], notes: list[str]) -> dict[str, Any]:
        """The entry of a result, see :meth:`__call__`, after its files have been written."""
        files = [] if path is None else write_results(path, result, formats)
        if self.untrained:
            notes = [*notes, 'the weights are untrained, so that this is chance; give a checkpoint']
        lines, described = [*notes, *self.notes(result)], self.describe(result)
        return {'notes': lines, 'predictions': described, 'visualization': files, 'result': result}

    def _settings(self, given: dict[str, Any]) -> str:
        """The options that change a result, without those that are not given, as JSON."""
        names = {key: str(name) for key, name in self.origin.items() if isinstance(name, (str, os.PathLike))}
        given = {**names, 'smoothing': DEFAULT_SMOOTHING, **given, 'progress': None}
        given['world'] = given['world'] and asdict(given['world'])
        return json.dumps({key: value for key, value in given.items() if value not in (None, False)}, default=str)

    @abstractmethod
    def predict(self, table: KeypointTable, batch_size: int | None = None) -> list[Result]:
        """The results for a table; files of several are numbered."""

    def describe(self, result: Result) -> Any:
        """``predictions`` of a call: by default those of each segment."""
        return result.describe_segments()

    def notes(self, result: Result) -> list[str]:
        """Further ``notes`` of a call."""
        return []


@INFERENCERS.register_module()
class Pose3DInferencer(BaseInferencer):
    """Lifts 2D keypoints; further heads predict in the same pass.

    ``predictions`` are ``keypoints_3d`` (N, K, 3) with ``track_ids``, ``frame_indices``, ``skeleton_3d``, ``unit``,
    ``axes``, ``root``, ``model``; with ``world`` also ``root_3d``, ``contacts``, ``world_from_camera`` and
    ``camera_matrix``; of a model that was calibrated ``uncertainty`` (N, K), the expected error in metres; of a model
    with heads that read clips also ``segments`` (and ``stretches``, their name of before), one for each segment of a
    person without a long gap: ``track``, ``frames`` (n,), of a head ``action`` ``scores`` and ``top`` as of
    :class:`ActionInferencer`, and of every other head, by its name, a unit vector (D,), the mean of the windows'.

    Raises:
        InputError: see :class:`BaseInferencer`; or the model does not lift.

    Example::

        inferencer = Pose3DInferencer()
        for result in inferencer('keypoints.npz', out_dir='out'):
            print(result['predictions']['keypoints_3d'].shape)
    """

    formats: tuple[str, ...] = ('npz', 'html')

    def __init__(
        self,
        model: str | os.PathLike[str] | Any = DEFAULT_MODEL,
        weights: str | os.PathLike[str] | None = None,
        device: str = 'cpu',
    ) -> None:
        super().__init__(model, weights, device)
        heads = heads_of(self.model, 'pose').items()
        self.names: list[str] = ['pose', *(name for name, head in heads if head.reads == 'clip')]
        self.gives: tuple[str, ...] = ('poses', 'scores') if 'action' in self.names else ('poses',)

    def predict(self, table: KeypointTable, batch_size: int | None = None, **options: Any) -> list[Result]:
        """One result of the whole table; options are ``smoothing`` and ``progress`` of :func:`predict_table`."""
        return [predict_table(self.model, table, self.names, batch_size, **options)]

    def describe(self, result: Result) -> dict[str, Any]:
        """See the class."""
        placed = {'root_3d': result.root, 'contacts': result.contacts, 'uncertainty': result.uncertainty}
        placed |= {'world_from_camera': result.world_from_camera, 'camera_matrix': result.camera_matrix}
        described = {
            'keypoints_3d': result.poses,
            **{name: array for name, array in placed.items() if array is not None},
            'track_ids': result.table.track_ids,
            'frame_indices': result.table.frame_indices,
            'skeleton_3d': result.skeleton_3d,
            **result.frame_of_reference(),
        }
        segments = [] if len(self.names) == 1 else result.describe_segments()
        return {**described, 'segments': segments, 'stretches': segments} if segments else described

    def notes(self, result: Result) -> list[str]:
        """The recognised actions."""
        segments = [] if result.scores is None else result.describe_segments()
        return [f'track {s["track"]}: ' + ', '.join(f'{name} {p:.2f}' for name, p in s['top']) for s in segments]


def _check_older(item: Any, files: Sequence[Path]) -> str:
    """A note that the results of an input stay as they are; raises InputError where the input is newer than they."""
    if isinstance(item, (str, os.PathLike)) and os.path.exists(item):
        oldest = min(files, key=os.path.getmtime)
        if os.path.getmtime(item) > os.path.getmtime(oldest):
            raise InputError(f'{item} is newer than its result {oldest}, which stays; write over it with --force')
    return f'{item}: the results are there already ({files[0]}), and stay as they are; lift again with --force'


def _present(path: Path, formats: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Files of a result that exist, and the formats that have none."""
    found = existing_files(result_files(path, formats))
    missing = [name for name, present in zip(formats, found, strict=True) if not present]
    return [file for present in found for file in present], missing


def _changed_settings(files: Sequence[Path], settings: str) -> list[str]:
    """A note where the npz among some files was made with other settings."""
    path = next((file for file in files if file.suffix == '.npz' and file.is_file()), None)
    before = '' if path is None else load_arrays(path, (), ('settings',)).get('settings', np.array('')).item()
    if not isinstance(before, str) or before in ('', settings):
        return []
    with reading(f'{path} has damaged settings', 'lift again with --force'):
        old, new = dict(json.loads(before)), json.loads(settings)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    changes = ', '.join(f'{name} {_shown(old.get(name))}, now {_shown(new.get(name))}' for name in names)
    return [f'{path} was made with other options ({changes}) and stays as it is; lift again with --force'] * bool(names)


def _shown(value: Any) -> str:
    """An option as a user reads it: of a group those that are given, ``on`` where none is."""
    if isinstance(value, dict):
        return ' '.join(f'{name} {part}' for name, part in value.items() if part is not None) or 'on'
    return 'off' if value is None else str(value)


def open_model(model: Any, weights: str | os.PathLike[str] | None = None, device: str = 'cpu') -> Any:
    """The model of a name or file, see :class:`BaseInferencer`; one that is a model already stays as it is.

    Raises:
        InputError: there is no such model, or weights for an exported one.
    """
    if str(model).endswith('.onnx'):
        if weights is not None:
            raise InputError(f'{model} has its weights in it; leave out the checkpoint {weights}')
        return ExportedModel(model, device)
    if isinstance(model, ExportedModel):
        return model
    from mmengine.config import Config  # these take seconds to import

    from .inference import init_model

    return init_model(model, weights, device) if isinstance(model, (str, os.PathLike, Config)) else model


def heads_of(model: Any, needed: str) -> dict[str, Any]:
    """The heads of a model by name.

    Raises:
        InputError: one that is needed is not among them.
    """
    if isinstance(model, ExportedModel):
        heads, name = model.heads, model.cfg['filename']
    else:
        from ..models.estimators import MotionEstimator

        heads = dict(model.heads) if isinstance(model, MotionEstimator) else {}
        name = model.cfg.filename or type(model).__name__
    if needed not in heads:
        raise InputError(f'{name} has the heads {list(heads)}, expected one called {needed}')
    return heads


def read_table(
    item: Any,
    skeleton: str | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
    film: Mapping[str, Any] | None = None,
    tracker: str | None = None,
) -> KeypointTable:
    """Reads the input of an inferencer: a file, an array (T, J, 2 or 3) or a table; what a table says goes first.

    ``film`` holds options of :func:`~poselifter.detection.detect_keypoints` for films.
    """
    film = film or {}

    def link(table: KeypointTable) -> KeypointTable:
        return link_persons(track_boxes(table, tracker) if tracker else table)

    if isinstance(item, (str, os.PathLike)) and is_film(item):
        return link(detect_keypoints(item, fps=fps, **film))
    if any(value is not None for value in film.values()):
        raise InputError(f'the input {stem_of(item, "array")} is no film; leave out detector, start and end')
    if isinstance(item, (str, os.PathLike)):
        return link(read_keypoints(item, skeleton=skeleton, img_shape=img_shape, fps=fps))
    if isinstance(item, KeypointTable):
        given = {'skeleton': skeleton, 'img_shape': img_shape, 'fps': fps}
        return replace(item, **{key: value for key, value in given.items() if getattr(item, key) is None})
    keypoints, scores = split_scores(item, source='the array')
    return KeypointTable.of_person(keypoints, scores, skeleton=skeleton, img_shape=img_shape, fps=fps)


def stem_of(item: Any, default: str) -> str:
    """The name of files of results without an ending: that of the input's file, or ``default`` where it is none."""
    path = Path(item) if isinstance(item, (str, os.PathLike)) else Path()
    path = path.parent if has_magic(path.name) and not path.exists() else path  # a pattern of pictures
    return path.stem.strip('.') or default

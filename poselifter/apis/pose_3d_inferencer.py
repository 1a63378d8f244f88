"""Keypoints of a file, an array or a folder to 3D poses, pictures and pages."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..io import LiftedTable, describe_table, read_keypoints, write_lifted
from ..registry import INFERENCERS
from ..skeletons import find_conversion
from ..structures import KeypointTable
from ..tracking import link_persons
from ..visualization import save_animation, save_html, save_picture
from .inference import class_names, described_actions, init_model, read_table_over_time
from .zoo import DEFAULT_MODEL

FORMATS = ('npz', 'png', 'gif', 'mp4', 'html')


@INFERENCERS.register_module()
class Pose3DInferencer:
    """Lifts 2D keypoints; one object serves any number of inputs.

    Args:
        model: a name of the zoo or a config file.
        weights: checkpoint; ``None`` means the zoo's for that name.
        device: for example ``'cpu'`` or ``'cuda:0'``.

    Raises:
        InputError: no such model or weights, or one that does not lift.

    Example::

        inferencer = Pose3DInferencer()
        for result in inferencer('keypoints.npz', out_dir='out'):
            print(result['predictions']['keypoints_3d'].shape)
    """

    def __init__(
        self, model: str | os.PathLike = DEFAULT_MODEL, weights: str | os.PathLike | None = None, device: str = 'cpu'
    ) -> None:
        self.model = init_model(model, weights, device)
        heads = getattr(self.model, 'heads', {})
        if 'pose' not in heads:
            raise InputError(f'{model} has the heads {list(heads)}, expected one called pose')
        self.names = ['pose', *(name for name, head in heads.items() if hasattr(head, 'prediction'))]

    def __call__(
        self,
        inputs: str | os.PathLike | np.ndarray | KeypointTable | Sequence,
        out_dir: str | os.PathLike | None = None,
        formats: Sequence[str] = ('npz', 'html'),
        skeleton: str | None = None,
        img_shape: tuple[int, int] | None = None,
        fps: float | None = None,
        batch_size: int | None = None,
        top_k: int = 3,
    ) -> Iterator[dict[str, Any]]:
        """Lifts one input after the other; with further heads it says in the same pass what they do.

        Args:
            inputs: a file that :func:`~poselifter.io.read_keypoints` reads, an
                array (T, J, 2 or 3), a :class:`KeypointTable`, or a list of such.
            out_dir: where results are written; ``None`` writes nothing.
            formats: of the files, out of ``FORMATS``.
            skeleton: joint set, where the input does not say.
            img_shape: (height, width), where the input does not say.
            fps: frame rate, where the input does not say.
            batch_size: windows in one forward pass.
            top_k: classes in ``top``, where the model recognises actions.

        Yields:
            ``notes``: lines on what was recognised, converted and assumed;
            ``predictions``: the arrays of the result, see :meth:`result`, and
            of a model with heads that read clips ``stretches``, see :meth:`stretches`;
            ``visualization``: the files that were written.

        Raises:
            InputError: an input cannot be read or lifted.
        """
        if batch_size:
            self.model.batch_size = batch_size
        for stem, table in read_tables(inputs, formats, FORMATS, skeleton, img_shape, fps):
            found = read_table_over_time(self.model, table, self.names)
            poses = np.concatenate([heads['pose'] for _, heads in found])
            written = self.write(Path(out_dir) / stem, table, poses, formats) if out_dir is not None else []
            result, notes = self.result(table, poses), [describe_table(table), *self.assumptions(table)]
            if len(self.names) > 1:
                result['stretches'] = self.stretches(table, found, top_k)
            if 'action' in self.names:
                tops = ((s['track'], ', '.join(f'{c} {p:.2f}' for c, p in s['top'])) for s in result['stretches'])
                notes += [f'track {track}: {top}' for track, top in tops]
            yield {'notes': notes, 'predictions': result, 'visualization': written}

    def stretches(
        self, table: KeypointTable, found: Sequence[tuple[slice, dict[str, np.ndarray]]], top_k: int = 3
    ) -> list[dict[str, Any]]:
        """What heads that read clips say of each stretch of a person without a long gap.

        Args:
            table: N rows.
            found: of :func:`read_table_over_time`.
            top_k: classes in ``top``.

        Returns:
            ``track``, ``frames`` (n,), and of a head ``action`` ``scores`` and
            ``top`` as of :class:`ActionInferencer`; of every other head, by its
            name, a unit vector (D,), the mean of the windows'.
        """
        made = []
        for rows, heads in found:
            entry = {'track': int(table.track_ids[rows.start]), 'frames': table.frame_indices[rows]}
            if 'action' in heads:
                entry = described_actions(table, rows, heads['action'], class_names(self.model), top_k)
            others = {name: heads[name].mean(0) for name in self.names if name not in ('pose', 'action')}
            made.append({**entry, **{name: mean / np.linalg.norm(mean) for name, mean in others.items()}})
        return made

    def assumptions(self, table: KeypointTable) -> list[str]:
        """What is converted or taken for granted when a table is lifted, a line each."""
        codec, lines = self.model.codec, []
        if table.skeleton not in (None, codec.skeleton.name):
            rough = ', '.join(find_conversion(table.skeleton, codec.skeleton.name).approximate) or 'none'
            lines.append(f'{table.skeleton} is converted to {codec.skeleton.name}; approximate joints: {rough}')
        if table.img_shape is None:
            lines.append('the image size is unknown; the image is taken to be centred on the keypoints (--image-size)')
        if table.fps is None:
            lines.append(f'the frame rate is unknown; it is taken to be {codec.fps:g} a second (--fps)')
        return lines

    def result(self, table: KeypointTable, poses: np.ndarray) -> dict[str, Any]:
        """What is known about the lifted rows.

        Args:
            table: N rows.
            poses: (N, K, 3) metres.

        Returns:
            ``keypoints_3d`` with ``track_ids``, ``frame_indices``,
            ``skeleton_3d``, ``unit``, ``axes`` and ``root``.
        """
        skeleton = self.model.codec.skeleton_3d
        return {
            'keypoints_3d': poses,
            'track_ids': table.track_ids,
            'frame_indices': table.frame_indices,
            'skeleton_3d': skeleton.name,
            'unit': 'm',
            'axes': 'camera: x right, y down, z forward',
            'root': skeleton.joint_names[skeleton.root],
        }

    def write(
        self,
        stem: Path,
        table: KeypointTable,
        poses: np.ndarray,
        formats: Sequence[str],
        truth: np.ndarray | None = None,
    ) -> list[Path]:
        """Writes results as files ``<stem>.<format>``.

        Args:
            stem: path without suffix.
            table: N rows.
            poses: (N, K, 3) metres.
            formats: out of ``FORMATS``.
            truth: (N, K, 3), drawn beside the result where it is known.

        Returns:
            The files.
        """
        skeleton_3d = self.model.codec.skeleton_3d.name
        fps = table.fps or self.model.codec.fps
        files = {name: stem.with_name(f'{stem.name}.{name}') for name in formats}
        if 'npz' in files:
            write_lifted(files['npz'], LiftedTable(table, poses, skeleton_3d))
        _, rows = max(table.tracks(), key=lambda track: track[1].stop - track[1].start)
        drawing = {
            'keypoints_2d': table.keypoints[rows],
            'keypoints_3d': poses[rows],
            'skeleton_2d': table.skeleton or self.model.codec.skeleton.name,
            'skeleton_3d': skeleton_3d,
            'img_shape': table.img_shape,
            'visible': table.keypoints_visible[rows],
            'truth_3d': None if truth is None else truth[rows],
        }
        if 'png' in files:
            save_picture(files['png'], **drawing)
        for name in ('gif', 'mp4'):
            if name in files:
                save_animation(files[name], **drawing, fps=fps)
        if 'html' in files:
            tracks = [
                {
                    'id': str(track),
                    'frame_indices': table.frame_indices[part],
                    'keypoints_3d': poses[part],
                    'keypoints_2d': table.keypoints[part],
                    'visible': table.keypoints_visible[part],
                    **({} if truth is None else {'truth_3d': truth[part]}),
                }
                for track, part in table.tracks()
            ]
            save_html(files['html'], tracks, skeleton_3d, fps=fps, skeleton_2d=drawing['skeleton_2d'], title=stem.name)
        return list(files.values())


def read_tables(
    inputs: Any, formats: Sequence[str], known: Sequence[str], *facts: Any
) -> Iterator[tuple[str, KeypointTable]]:
    """The stem of an output file, and the table, of each input of an inferencer; ``facts`` as of :func:`read_table`."""
    unknown = [f for f in formats if f not in known]
    if unknown:
        raise InputError(f'formats {unknown} are unknown, expected some of {known}')
    for item in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        yield Path(item).stem if isinstance(item, (str, os.PathLike)) else 'keypoints', read_table(item, *facts)


def read_table(
    item: Any,
    skeleton: str | None = None,
    img_shape: tuple[int, int] | None = None,
    fps: float | None = None,
) -> KeypointTable:
    """A table of what an inferencer is given: a file, an array (T, J, 2 or 3) or a table; what it says goes first."""
    if isinstance(item, (str, os.PathLike)):
        return link_persons(read_keypoints(item, skeleton=skeleton, img_shape=img_shape, fps=fps))
    if isinstance(item, KeypointTable):
        return item
    array = np.asarray(item)
    if array.ndim != 3 or array.shape[-1] not in (2, 3):
        raise InputError(f'the array of keypoints has shape {array.shape}, expected (T, J, 2) or (T, J, 3)')
    n = len(array)
    visible = array[..., 2] if array.shape[-1] == 3 else np.ones(array.shape[:2])
    return KeypointTable(array[..., :2], visible, np.arange(n), np.zeros(n, int), skeleton, img_shape, fps)

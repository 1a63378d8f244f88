"""Many inputs one after the other: which are done, what failed, how long it takes."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..io import check_formats, check_targets, read_result
from ..skeletons import convert_keypoints, get_skeleton
from ..structures import KeypointTable, Result
from ..tracking import match_persons
from .inferencers import BaseInferencer, stem_of


def lift_files(
    inferencer: BaseInferencer,
    inputs: Sequence[str | os.PathLike[str]],
    out_dir: str | os.PathLike[str],
    formats: Sequence[str],
    say: Callable[[str], None] = print,
    truth: str | os.PathLike[str] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Predicts for every input; one that cannot be lifted does not keep the others from it.

    While it runs a bar on the terminal shows frames a second and the time left.

    Args:
        inferencer: for instance a ``Pose3DInferencer``.
        inputs: files.
        out_dir: where results go.
        formats: of the results.
        say: called with each line for the user.
        truth: true poses of the one input, see :func:`errors_against`.
        **options: of the inferencer's call.

    Returns:
        For each input ``input``, ``status`` (``done``, ``skipped`` or ``failed``), ``files``, ``notes``, ``error`` of
        what failed, and of what is done ``measures``: see :func:`measures`.

    Raises:
        InputError: results would replace each other, an input, or cannot be written; or the only input fails.
    """
    check_formats(formats, inferencer.gives)
    check_targets(out_dir, [stem_of(item, 'keypoints') + inferencer.ending for item in inputs], formats, inputs)
    if truth is not None and len(inputs) > 1:
        raise InputError(f'there is one truth, {truth}, for {len(inputs)} inputs; give one input')
    true, report = None if truth is None else read_result(truth), []
    for item in inputs:
        entry: dict[str, Any] = {'input': str(item), 'status': 'done', 'files': [], 'notes': []}
        start, bar = time.perf_counter(), _Bar(Path(item).name)
        try:
            for result in inferencer(item, out_dir, formats, progress=bar, **options):
                entry['files'] += map(str, result['visualization'])
                entry['notes'] += result['notes']
                if result['result'] is None:
                    entry['status'] = 'skipped'
                else:
                    entry['measures'] = measures(result['result'], time.perf_counter() - start)
                    entry['measures'] |= {} if true is None else errors_against(true, result['result'])
        except InputError as error:
            if len(inputs) == 1:
                raise
            entry |= {'status': 'failed', 'error': str(error)}
            print(f'error: {error}', file=sys.stderr)
        finally:
            bar.close()
        for line in [*entry['notes'], *_summary(entry), *entry['files']]:
            say(line)
        report.append(entry)
    return report


def measures(result: Result, seconds: float) -> dict[str, Any]:
    """Numbers on a result of poses.

    Returns:
        ``persons``, ``poses``, ``joints``, ``skeleton_3d``, ``unit``, ``axes``, ``root``; ``missing``, the fraction of
        joints that no detector saw; ``bone_change``, the standard deviation of bones relative to their length, mean
        over bones and persons; ``uncertainty_mm``, the median; ``seconds`` and ``poses_per_second``.
    """
    table, tracks = result.table, list(result.table.tracks())
    parents, children = (list(ends) for ends in zip(*get_skeleton(result.skeleton_3d).bones, strict=True))
    changes = []
    for _, rows in tracks:
        lengths = np.linalg.norm(result.poses[rows][:, children] - result.poses[rows][:, parents], axis=-1)
        changes.append(lengths.std(0) / lengths.mean(0).clip(1e-6))
    n, joints, _ = result.poses.shape
    return {
        'persons': len(tracks),
        'poses': n,
        'joints': joints,
        'skeleton_3d': result.skeleton_3d,
        **result.frame_of_reference(),
        'missing': round(float((table.keypoints_visible <= 0).mean()), 4),
        'bone_change': round(float(np.mean(changes)), 4),
        'uncertainty_mm': None if result.uncertainty is None else round(float(np.median(result.uncertainty)) * 1000, 1),
        'seconds': round(seconds, 2),
        'poses_per_second': round(n / seconds, 1),
    }


def errors_against(truth: Result, result: Result) -> dict[str, Any]:
    """Errors of a result on the persons that were found, and how many that are.

    Persons are matched in each frame by their keypoints (:func:`~poselifter.tracking.match_persons`).

    Args:
        truth: true poses with their keypoints, of the same film.
        result: poses.

    Returns:
        ``coverage``, the fraction of the true poses that have one of the result; ``mpjpe_mm`` and ``p_mpjpe_mm`` on
        these, relative to the root, ``None`` where there are none.

    Raises:
        InputError: joints cannot be converted, or there are no keypoints.
    """
    from ..evaluation.functional import mpjpe, p_mpjpe

    name = result.skeleton_3d
    ours, theirs, coverage = match_persons(
        *(_with_joints(each.keypoints(slice(None)), name) for each in (result, truth))
    )
    errors: dict[str, Any] = {'coverage': round(coverage, 4), 'mpjpe_mm': None, 'p_mpjpe_mm': None}
    if len(ours):
        root = get_skeleton(name).root or 0
        poses, true = result.poses[ours], convert_keypoints(truth.poses[theirs], truth.skeleton_3d, name)
        known = np.isfinite(true).all(-1) & np.isfinite(true[:, root : root + 1]).all(-1)
        poses, true = poses - poses[:, root : root + 1], true - true[:, root : root + 1]
        errors['mpjpe_mm'] = round(mpjpe(poses, true, known) * 1000, 1)
        errors['p_mpjpe_mm'] = round(p_mpjpe(poses, true, known) * 1000, 1)
    return errors


def _with_joints(table: KeypointTable, name: str) -> KeypointTable:
    """The table with the joints of another set."""
    if not table.keypoints.shape[1]:
        raise InputError(f'{table.source}: has no 2D keypoints, by which persons are matched; add them')
    points, scores = convert_keypoints(table.keypoints, table.skeleton, name, table.keypoints_visible)
    return replace(table, keypoints=points, keypoints_visible=scores, skeleton=name)


def _summary(entry: dict[str, Any]) -> list[str]:
    """Lines on the poses of an input that is done."""
    if 'measures' not in entry:
        return []
    m = entry['measures']
    lines = [
        f'{m["poses"]} poses of {m["joints"]} joints ({m["skeleton_3d"]}): unit {m["unit"]}, axes of the {m["axes"]}, '
        f'relative to the {m["root"]}'
    ]
    if m['uncertainty_mm'] is not None:
        lines.append(f'expected error of a joint: {m["uncertainty_mm"]:.0f} mm (median)')
    if m.get('mpjpe_mm') is not None:
        lines.append(f'MPJPE {m["mpjpe_mm"]} mm, P-MPJPE {m["p_mpjpe_mm"]} mm')
    if 'coverage' in m:
        lines.append(f'coverage: {m["coverage"]:.1%} of the true poses were found')
    return lines


class _Bar:
    """A bar on stderr, where that is a terminal, from the first call on."""

    def __init__(self, name: str) -> None:
        self.name, self.bar = name, None

    def __call__(self, done: float, total: int) -> None:
        if self.bar is None and sys.stderr.isatty() and find_spec('tqdm'):
            from tqdm import tqdm

            self.bar = tqdm(total=total, desc=self.name, unit='frame', unit_scale=True, leave=False)
        if self.bar is not None:
            self.bar.update(done)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

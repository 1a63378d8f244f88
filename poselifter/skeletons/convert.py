"""Named conversions from one joint set to another."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import InputError, check_choice
from ..geometry.arrays import Array, as_like, namespace
from .skeleton import Skeleton, get_skeleton, list_skeletons


@dataclass(frozen=True)
class Conversion:
    """Each target joint as a weighted sum of source joints.

    Attributes:
        source: name of the joint set converted from.
        target: name of the joint set converted to.
        parts: for each target joint the (source joint, weight) pairs it takes; weights sum to 1. None where
            the source has no such joint.
        approximate: target joints that mean another point of the body than the
            source can give; a model trained on true targets loses accuracy there.
        mean_scores: mixed target joints whose score is the mean of the parts instead of their minimum.
    """

    source: str
    target: str
    parts: tuple[tuple[tuple[int, float], ...], ...]
    approximate: tuple[str, ...]
    mean_scores: tuple[str, ...]

    def describe(self) -> str:
        """One line a target joint: its source joints, and a mark where it is approximate.

        Example:
            >>> print(find_conversion('coco17', 'h36m17').describe().splitlines()[0])
            pelvis = 0.5 left_hip + 0.5 right_hip
            >>> print(find_conversion('coco17', 'h36m17').describe().splitlines()[7])
            spine = 0.25 left_shoulder + 0.25 right_shoulder + 0.25 left_hip + 0.25 right_hip (approximate)
        """
        names = get_skeleton(self.source).joint_names
        lines = []
        for joint, parts in zip(get_skeleton(self.target).joint_names, self.parts, strict=True):
            terms = [names[i] if weight == 1 else f'{weight:.4g} {names[i]}' for i, weight in parts]
            mark = ' (approximate)' if joint in self.approximate else ''
            lines.append(f'{joint} = {" + ".join(terms) or "absent"}{mark}')
        return '\n'.join(lines)


def list_conversions() -> list[tuple[str, str]]:
    """All (source, target) pairs of different sets that :func:`convert_keypoints` knows."""
    names = list_skeletons()
    return [(a, b) for a in names for b in names if a != b and _find_table(get_skeleton(a), get_skeleton(b))]


@cache
def find_conversion(source: str, target: str) -> Conversion:
    """Looks a conversion up by two joint sets, names or aliases; every set converts to itself.

    Raises:
        InputError: a name is unknown, or there is no such conversion.
    """
    a, b = get_skeleton(source), get_skeleton(target)
    table = _find_table(a, b)
    if table is None:
        known = ', '.join(t for s, t in list_conversions() if s == a.name) or 'none'
        raise InputError(f'no conversion from {a.name} to {b.name}, expected one of the targets of {a.name}: {known}')
    index = {name: i for i, name in enumerate(a.joint_names)}
    mixed = table.get('joints', {})
    parts = tuple(tuple((index[n], float(w)) for n, w in mixed.get(j, {j: 1}).items()) for j in b.joint_names)
    return Conversion(a.name, b.name, parts, tuple(table['approximate']), tuple(table.get('mean_scores', ())))


def convert_keypoints(x: Array, source: str, target: str, scores: Array | None = None, scores_rule: str = 'min') -> Any:
    """Converts keypoints (..., J, C) of one joint set to another, scores carried along.

    Every channel of a target joint is the same weighted sum of source joints; a NaN only reaches the joints that take
    something from its joint. A joint that the source lacks is NaN, with a score of 0. Which are approximate:
    ``find_conversion(source, target).describe()``.

    Args:
        x: (..., J, C) numpy array or tensor, any unit.
        source: joint set of ``x``, e.g. ``'halpe26'``.
        target: joint set requested, e.g. ``'h36m17'``.
        scores: (..., J) confidence; 0 means the joint is absent.
        scores_rule: ``'min'``: a mixed joint has the lowest score of its parts (the spine, where it is a mean, the mean
            of its parts) and is missing (0) where a part is; ``'mean'``: the mean of the parts throughout, as
            MotionBERT has it for COCO and Halpe.

    Returns:
        (..., K, C) of the same kind and dtype; with ``scores`` the pair of it
        and the scores (..., K), 0 where a coordinate is not finite.

    Raises:
        InputError: a name or rule is unknown, there is no such conversion, or a shape does not fit ``source``.

    Example:
        >>> import numpy as np
        >>> pose = np.arange(34.0).reshape(17, 2)  # COCO's hips, 11 and 12, at (22, 23) and (24, 25)
        >>> convert_keypoints(pose, 'coco17', 'h36m17')[0].tolist()  # pelvis: their mean
        [23.0, 24.0]
    """
    conversion = find_conversion(source, target)
    joints = get_skeleton(source).num_joints
    if x.ndim < 2 or x.shape[-2] != joints:
        raise InputError(f'keypoints have shape {tuple(x.shape)}, expected (..., {joints}, C) for {source}')
    index, weights = _gather_table(conversion, x)
    converted = (x[..., index, :] * weights[..., None]).sum(-2)
    total = abs(weights).sum(-1)
    if not all(conversion.parts):
        converted = namespace(x).where(total[:, None] > 0, converted, as_like(float('nan'), x))
    if scores is None:
        return converted
    check_choice('scores_rule', scores_rule, ('min', 'mean'))
    if tuple(scores.shape) != tuple(x.shape[:-1]):
        raise InputError(f'scores have shape {tuple(scores.shape)}, expected {tuple(x.shape[:-1])} as the keypoints')
    xp = namespace(x)
    parts = xp.nan_to_num(scores)[..., index]
    mixed = (parts * (abs(weights) / (total + (total == 0))[..., None])).sum(-1)
    if scores_rule == 'min':
        lowest = xp.amin(parts, -1)
        averaged = as_like([name in conversion.mean_scores for name in get_skeleton(target).joint_names], weights)
        mixed = xp.where((averaged > 0) & (lowest > 0), mixed, lowest)
    return converted, mixed * xp.isfinite(converted).all(-1)


def _find_table(source: Skeleton, target: Skeleton) -> dict | None:
    """The table of a conversion: written down, or through the layout of both sets."""
    if source.name == target.name:
        return {'approximate': ()}
    if target.name in source.conversions:
        return source.conversions[target.name]
    if source.layout_of and source.layout_of['skeleton'] == target.name:
        return {'approximate': source.layout_of['approximate']}
    if target.extends:
        table = _find_table(source, get_skeleton(target.extends['skeleton']))
        return table and {**table, 'joints': {**table.get('joints', {}), **_further(source, target)}}
    if source.extends:
        return _find_table(get_skeleton(source.extends['skeleton']), target)
    if target.layout_of:
        table = _find_table(source, get_skeleton(target.layout_of['skeleton']))
        both = dict.fromkeys([*table['approximate'], *target.layout_of['approximate']]) if table else ()
        return table and table | {'approximate': tuple(both)}
    return None


def _further(source: Skeleton, target: Skeleton) -> dict[str, dict[str, float]]:
    """Parts of the further joints of a set that extends another: one joint of a set each, or none."""
    first, others = get_skeleton(target.extends['skeleton']).num_joints, target.extends['others']
    names = {joint: (joint, *others.get(joint, ())) for joint in target.joint_names[first:]}
    found = {joint: [name for name in same if name in source.joint_names] for joint, same in names.items()}
    return {joint: dict.fromkeys(same[:1], 1.0) for joint, same in found.items()}


def _gather_table(conversion: Conversion, like: Array) -> tuple[list[list[int]], Array]:
    """Source indices and weights (K, parts), the weights of the kind, dtype and device of ``like``."""
    # gathering, unlike a dense matrix, never multiplies a joint the target has nothing to do with (0 times NaN is NaN)
    most = max(map(len, conversion.parts))
    rows = [parts + ((parts[0][0] if parts else 0, 0.0),) * (most - len(parts)) for parts in conversion.parts]
    return [[i for i, _ in row] for row in rows], as_like([[w for _, w in row] for row in rows], like)

"""Joint sets as data: names, trees, left and right, parts, read from ``skeletons.json``."""

import difflib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

_of_files: dict[str, 'Skeleton'] = {}


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A joint set.

    Left and right follow from the joint names (``left_knee`` and ``right_knee``); they are the person's left and right.

    Attributes:
        name: name of the set, e.g. ``'h36m17'``.
        joint_names: J names in the order of the set.
        parents: J parent indices, -1 at the root; ``None`` for sets without a tree.
        edges: pairs of joints to draw a line between; the bones where the set has a tree.
        bone_pairs: pairs of neighbouring bones (indices into ``bones``) whose angle a loss may look at; h36m17's are
            the 18 of MotionBERT, elsewhere all bones that meet in a joint.
        about: one line on where the set comes from.
        aliases: other names :func:`get_skeleton` takes for the set.
        sigmas: J standard deviations of COCO's object keypoint similarity, or ``None``.
        parts: named groups of joints for masking; groups may overlap.
        joint_weights: named vectors of J loss weights.
        conversions: target set -> table of what its joints take from this set;
            see :func:`~poselifter.skeletons.find_conversion`.
        layout_of: the set whose order and names this set shares although some
            joints mean another point (``skeleton``, ``approximate``), or ``None``.
        extends: the set whose joints come first in this one (``skeleton``), and names that its further joints have in
            other sets (``others``); a set that lacks one of them converts all the same, that joint is absent.
    """

    name: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...] | None
    edges: tuple[tuple[int, int], ...]
    bone_pairs: tuple[tuple[int, int], ...] = ()
    about: str = ''
    aliases: tuple[str, ...] = ()
    sigmas: tuple[float, ...] | None = None
    parts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    joint_weights: dict[str, tuple[float, ...]] = field(default_factory=dict)
    conversions: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    layout_of: dict[str, Any] | None = field(default=None, repr=False)
    extends: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def num_joints(self) -> int:
        """Number of joints J."""
        return len(self.joint_names)

    @property
    def root(self) -> int | None:
        """Index of the root joint; ``None`` for sets without a tree."""
        return None if self.parents is None else self.parents.index(-1)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every joint but the root, in the order of the children."""
        return tuple((p, c) for c, p in enumerate(self.parents or ()) if p >= 0)

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Indices of the left joints that have a right one; ``right`` holds these in the same order."""
        names = self.joint_names
        return tuple(i for i, name in enumerate(names) if name.startswith('left_') and 'right_' + name[5:] in names)

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Indices of the right joints, partner by partner with ``left``."""
        return tuple(self.joint_names.index('right_' + self.joint_names[i][5:]) for i in self.left)

    @property
    def flip_indices(self) -> np.ndarray:
        """(J,) int64: ``x[..., flip_indices, :]`` swaps left and right; a new array each time."""
        order = np.arange(self.num_joints)
        order[list(self.left + self.right)] = self.right + self.left
        return order

    @cached_property
    def sides(self) -> tuple[str, ...]:
        """J times ``'left'``, ``'right'`` or ``'centre'``."""
        sides = dict.fromkeys(self.left, 'left') | dict.fromkeys(self.right, 'right')
        return tuple(sides.get(joint, 'centre') for joint in range(self.num_joints))

    @property
    def approximate(self) -> tuple[str, ...]:
        """Joints of h36m17 that a conversion from this set only approximates."""
        return tuple((self.layout_of or self.conversions.get('h36m17', {})).get('approximate', ()))


def get_skeleton(name: str) -> Skeleton:
    """Looks a joint set up by its name or an alias.

    It is the same object at every call.

    Raises:
        InputError: the name is not known.

    Example:
        >>> get_skeleton('coco').joint_names[:3]
        ('nose', 'left_eye', 'right_eye')
        >>> get_skeleton('h36m17').left
        (4, 5, 6, 11, 12, 13)
    """
    skeletons, names = _load()
    if name in names:
        return skeletons[names[name]]
    if name in _of_files:
        return _of_files[name]
    close = difflib.get_close_matches(str(name).lower(), names, n=1)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    raise InputError(f'unknown skeleton {name!r}, expected one of {", ".join(skeletons)}{hint}')


def list_skeletons() -> list[str]:
    """Names of all joint sets, without their aliases and those of :func:`add_skeleton`."""
    return list(_load()[0])


def add_skeleton(skeleton: Skeleton) -> Skeleton:
    """Makes the joint set of a file known to :func:`get_skeleton`, until the program ends.

    Returns:
        The set, or the one that an equal file brought; it has another name than before where that is taken.
    """
    number, name = 1, skeleton.name
    while name in _of_files or name in _load()[1]:
        other = get_skeleton(name)
        if (other.joint_names, other.parents, other.edges) == (skeleton.joint_names, skeleton.parents, skeleton.edges):
            return other
        number += 1
        name = f'{skeleton.name} ({number})'
    _of_files[name] = replace(skeleton, name=name)
    return _of_files[name]


@lru_cache(maxsize=1)
def _load() -> tuple[dict[str, Skeleton], dict[str, str]]:
    """All sets by name, and the name of the set for each name and alias."""
    records = json.loads(Path(__file__).with_name('skeletons.json').read_text(encoding='utf-8'))
    skeletons = {name: _from_record(name, record) for name, record in records.items()}
    names = {alias: name for name, skeleton in skeletons.items() for alias in (name, *skeleton.aliases)}
    return skeletons, names


def _from_record(name: str, record: dict) -> Skeleton:
    """The set of one entry of ``skeletons.json``."""
    values = _tuples(record)
    joints, parents = values.pop('joints'), values.setdefault('parents', None)
    edges = values.setdefault('edges', tuple((p, c) for c, p in enumerate(parents or ()) if p >= 0))
    bones = edges if parents else ()
    meeting = tuple((i, j) for j, b in enumerate(bones) for i, a in enumerate(bones[:j]) if set(a) & set(b))
    values.setdefault('bone_pairs', meeting)
    weights = {key: tuple(map(float, vector)) for key, vector in values.pop('joint_weights', {}).items()}
    by_joint = {j: float(weight) for weight, group in values.pop('weight_groups', {}).values() for j in group}
    if by_joint:
        weights['mixste'] = tuple(by_joint[j] for j in range(len(joints)))
    return Skeleton(name, joints, **values, joint_weights=weights)


def _tuples(value: Any) -> Any:
    """Lists as tuples, at any depth."""
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value

"""Infers the joint set of a file: by its word, by its joint names, by its number of joints."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ... import skeletons
from ...errors import InputError
from ...skeletons import Skeleton, add_skeleton, find_conversion, get_skeleton, list_skeletons

_DATA = json.loads(Path(skeletons.__file__).with_name('joint_names.json').read_text(encoding='utf-8'))
#: Joint sets that 2D detectors write, by number of joints. Several names: only the user can tell. 17 is PoseTrack's,
#: Human3.6M's and 3DHP's number too, but bare files of 17 joints are nearly always COCO's.
SKELETONS_BY_COUNT: dict[int, list[str]] = {int(count): names for count, names in _DATA['skeletons_by_count'].items()}
#: Joints of a whole body with face and hands -> how many of the first are a body.
WHOLE_BODIES = {int(count): body for count, body in _DATA['whole_bodies'].items()}
_NAMES = _DATA['names_of_mmpose']  # of joints that are the same place in the same row of a set -> ours
_SYNONYMS = _DATA['synonyms']  # other words for a joint, where the set does not have both
_BONES = _DATA['bones']  # of MotionBuilder, Mixamo and LAFAN1 -> the joints of SMPL in which they begin
_SIDES = {'l': 'left', 'r': 'right', 'left': 'left', 'right': 'right'}
_SIDED = {j.split('_', 1)[-1] for name in list_skeletons() for j in get_skeleton(name).joint_names}
_SIDED |= set(_DATA['sided_words'])  # words that may stand behind an l or r
_LEAST = 4  # joints of h36m17 that the joints of a file give, so that it counts as a human body


def find_skeleton(
    where: str, num_joints: int, named: str | None = None, joint_names: Sequence[str] | None = None
) -> tuple[str, str, list[int] | None]:
    """Names the joint set of a file.

    Args:
        where: file, for the error.
        num_joints: J of its keypoints.
        named: name that the user or the file gives.
        joint_names: names of the joints that the file lists.

    Returns:
        (name, how it was inferred or nothing if it was named, for each joint of the set its place in the file: -1 if it
        is not there; ``None`` if all are in their places).

    Raises:
        InputError: the name is unknown, or has another number of joints, or no name can be inferred.
    """
    if named is not None:
        try:
            skeleton = get_skeleton(str(named))
        except InputError as error:
            raise InputError(f'{where}: {error}') from None
        if joint_names is not None and (places := joint_places(skeleton.joint_names, plain_columns(joint_names))):
            return skeleton.name, '', [places.get(joint, -1) for joint in skeleton.joint_names]
        if skeleton.num_joints != num_joints:
            raise InputError(
                f'{where}: keypoints have {num_joints} joints, expected {skeleton.num_joints} for {skeleton.name}; '
                f'name the right joint set with --skeleton'
            )
        return skeleton.name, '', None
    if joint_names is not None:
        name, places = match_skeleton(joint_names)
        if name is None or len(joint_names) != num_joints:
            raise InputError(
                f'{where}: the joints {", ".join(map(str, joint_names[:4]))} ... are no joint set we know; '
                f'rename them as in coco17 (nose, left_hip, ...), or say which set they are with --skeleton'
            )
        return name, f'the names of its joints taken as {name}', places
    fitting = [name for name in SKELETONS_BY_COUNT.get(num_joints, ()) if name in list_skeletons()]
    if len(fitting) == 1:
        return fitting[0], f'{num_joints} joints taken as {fitting[0]}', None
    which = f'which may be {" or ".join(fitting)}' if fitting else 'which is no joint set we know by its number'
    raise InputError(f'{where}: keypoints have {num_joints} joints, {which}; say which with --skeleton')


def match_skeleton(joint_names: Sequence[str]) -> tuple[str | None, list[int] | None]:
    """The joint set that joints are of by their names, in any order and in several ways of writing them.

    It is the set from which most joints of h36m17 follow; of several the one with the most joints of the file, and then
    the smallest.

    Returns:
        (name or ``None``, places as :func:`find_skeleton` returns them); a set whose joints have the same names in the
        same order is taken at once.
    """
    known = [get_skeleton(name) for name in list_skeletons()]
    exact = [s.name for s in known if _plain(s.joint_names) == _plain(joint_names)]
    if exact:
        return exact[0], None
    best, best_key, columns = (None, None), (_LEAST - 1,), plain_columns(joint_names)
    for skeleton in known:
        if skeleton.layout_of or not (skeleton.name == 'h36m17' or 'h36m17' in skeleton.conversions):
            continue
        places = joint_places(skeleton.joint_names, columns)
        order = [places.get(joint, -1) for joint in skeleton.joint_names]
        given = sum(all(order[i] >= 0 for i, _ in p) for p in find_conversion(skeleton.name, 'h36m17').parts)
        key = given, len(places), -skeleton.num_joints
        if key > best_key and 2 * len(places) >= len(joint_names):
            best, best_key = (skeleton.name, order), key
    return best


def skeleton_of_file(
    title: str, names: Sequence[str], parents: Sequence[int] | None = None
) -> tuple[Skeleton, list[int] | None]:
    """The joint set of a 3D file: a known one that has its joints and no others, or one of the file's own.

    Args:
        title: name of a set of the file's own.
        names: J names; one that comes again gets its number behind it.
        parents: J indices, each lower than the joint's, -1 at roots; ``None`` of markers.

    Returns:
        (the set, the places as :func:`find_skeleton` returns them).

    Raises:
        InputError: ``parents`` are no tree.
    """
    if parents and (len(parents) != len(names) or any(not -1 <= p < joint for joint, p in enumerate(parents))):
        raise InputError(f'{title}: parents of joints are no tree, expected {len(names)}, each before its children')
    counted = Counter()
    unique = []
    for name in map(str, names):
        unique.append(f'{name}_{counted[name]}' if counted[name] else name)
        counted[name] += 1
    known, order = match_skeleton(unique)
    if known and (order is None or sorted(order) == list(range(len(unique)))):
        return get_skeleton(known), order
    conversions = {}
    if known and order is not None:
        conversion = find_conversion(known, 'h36m17')
        if all(order[i] >= 0 for parts in conversion.parts for i, _ in parts):
            taken = [{unique[order[i]]: weight for i, weight in parts} for parts in conversion.parts]
            joints = dict(zip(get_skeleton('h36m17').joint_names, taken, strict=True))
            if ends := [name for name in unique if plain_name(name) == 'head_end']:  # of a BVH
                joints['head_top'] = {ends[0]: 1}
            conversions['h36m17'] = {'approximate': conversion.approximate, 'joints': joints}
    edges = tuple((parent, joint) for joint, parent in enumerate(parents or ()) if parent >= 0)
    tree = tuple(parents) if parents and list(parents).count(-1) == 1 else None
    own = Skeleton(title, tuple(unique), tree, edges, conversions=conversions)
    return add_skeleton(own), None


def plain_columns(names: Sequence[str]) -> dict[str, int]:
    """The first place of each name of a file, in our spelling; of mocap's names of bones by what they begin with."""
    plain = [plain_name(name) for name in names]
    if {'left_arm', 'left_fore_arm'} <= set(plain):
        plain = [
            name.replace(word, _BONES[word]) if (word := name.split('_', 1)[-1]) in _BONES else name for name in plain
        ]
    return {name: column for column, name in reversed(list(enumerate(plain)))}


def joint_places(joints: Sequence[str], columns: Mapping[str, int]) -> dict[str, int]:
    """The place in a file, of :func:`plain_columns`, of each of the ``joints`` of a set that is there."""
    places = {}
    for joint in joints:
        side, rest = re.match('(left_|right_|)(.*)', joint).groups()
        words = [joint, *(side + word for word in _SYNONYMS.get(rest, ()) if side + word not in joints)]
        given = [word for word in words if word in columns]
        if given:
            places[joint] = columns[given[0]]
    return places


def plain_name(name: str) -> str:
    """A joint's name in our spelling: ``LHip``, ``hip.left``, ``mixamorig:LeftHip``, ``lhip`` -> ``left_hip``."""
    words = re.findall(r'[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+', str(name).rsplit(':', 1)[-1])
    words = [word.lower() for word in words]
    start = re.fullmatch('(left|right|l|r)(.+)', words[0]) if words else None
    if start and start[2] in _SIDED:
        words[:1] = start.groups()
    sides = [_SIDES[word] for word in words if word in _SIDES]
    return '_'.join([*sides[:1], *(word for word in words if word not in _SIDES)])


def _plain(names: Sequence[str]) -> list[str]:
    return [_NAMES.get(str(name), str(name)) for name in names]

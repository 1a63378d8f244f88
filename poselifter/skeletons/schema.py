"""What an entry of ``skeletons.json`` must look like."""

from ..errors import InputError

_FIELDS = {'about', 'aliases', 'joints', 'parents', 'edges', 'sigmas', 'parts', 'weight_groups', 'joint_weights'}
_FIELDS |= {'bone_pairs', 'conversions', 'layout_of'}


def check_record(name: str, records: dict[str, dict]) -> None:
    """Checks one joint set.

    Args:
        name: the set to check.
        records: all sets; conversions and aliases refer to the others.

    Raises:
        InputError: a field is unknown, missing or at odds with another.
    """
    record = records[name]
    _require(set(record) <= _FIELDS, name, f'has unknown fields {sorted(set(record) - _FIELDS)}')
    _require({'about', 'aliases', 'joints'} <= set(record), name, 'needs about, aliases and joints')
    _require(('parents' in record) != ('edges' in record), name, 'needs either parents or edges')
    joints = record['joints']
    _require(len(set(joints)) == len(joints), name, 'repeats a joint name')
    for joint in joints:
        side, _, rest = joint.partition('_')
        partner = {'left': f'right_{rest}', 'right': f'left_{rest}'}.get(side, joint)
        _require(partner in joints, name, f'has {joint} but not {partner}')
    others = {alias for key, other in records.items() if key != name for alias in (key, *other.get('aliases', ()))}
    _require(others.isdisjoint({name, *record['aliases']}), name, 'has an alias that is taken')
    if 'parents' in record:
        _check_tree(name, record['parents'], len(joints))
    _check_groups(name, record)
    for target, table in record.get('conversions', {}).items():
        _require(target in records, name, f'converts to {target!r}, which is not a set')
        _check_conversion(f'{name} to {target}', joints, records[target]['joints'], table)
    if 'layout_of' in record:
        layout = records.get(record['layout_of']['skeleton'], {})
        _require(layout.get('joints') == joints, name, 'has other joints than the set it shares its layout with')


def _check_tree(name: str, parents: list[int], count: int) -> None:
    """Checks that every joint reaches the one root."""
    _require(len(parents) == count, name, f'has {count} joints but {len(parents)} parents')
    _require(all(-1 <= p < count for p in parents), name, 'has a parent that does not exist')
    _require(parents.count(-1) == 1, name, 'needs exactly one root (parent -1)')
    for joint in range(count):
        steps = 0
        while joint >= 0 and steps <= count:
            joint, steps = parents[joint], steps + 1
        _require(joint == -1, name, 'has a circle in its parents')


def _check_groups(name: str, record: dict) -> None:
    """Checks that edges, parts, groups and vectors fit the number of joints."""
    count = len(record['joints'])
    named = [j for edge in record.get('edges', ()) for j in edge]
    named += [j for part in record.get('parts', {}).values() for j in part]
    _require(all(0 <= j < count for j in named), name, 'has an edge or a part with a joint that does not exist')
    bones = range(count - 1 if 'parents' in record else 0)
    paired = [bone for pair in record.get('bone_pairs', ()) for bone in pair]
    _require(set(paired) <= set(bones), name, 'has bone_pairs with a bone that does not exist')
    groups = record.get('weight_groups', {})
    weighted = sorted(j for _, joints in groups.values() for j in joints)
    _require(not groups or weighted == list(range(count)), name, 'must have each joint in one of its weight_groups')
    vectors = [*record.get('joint_weights', {}).values(), *([record['sigmas']] if 'sigmas' in record else [])]
    _require(all(len(v) == count for v in vectors), name, f'has sigmas or joint_weights that are not {count} numbers')


def _check_conversion(name: str, source: list[str], target: list[str], table: dict) -> None:
    """Checks that every joint of the target takes weights that sum to 1 from joints of the source."""
    mixed = table['joints']
    _require(set(mixed) | set(table['approximate']) | set(table.get('mean_scores', ())) <= set(target), name,
             'names a joint that the target lacks')  # fmt: skip
    for joint in target:
        parts = mixed.get(joint, {joint: 1})
        _require(set(parts) <= set(source), name, f'takes {joint} from {sorted(parts)}, which the source lacks')
        _require(abs(sum(parts.values()) - 1) < 1e-9, name, f'has weights for {joint} that do not sum to 1')


def _require(condition: bool, name: str, fault: str) -> None:
    if not condition:
        raise InputError(f'skeletons.json: {name} {fault}; mend the entry')

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import poselifter.skeletons
from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton, list_skeletons


@pytest.fixture(scope='module')
def reference(shared):
    tables = json.loads((shared / 'reference/skeletons.json').read_text())
    tables.pop('_about')
    return tables


def test_every_set_agrees_with_the_reference(reference):
    assert set(reference) <= set(list_skeletons())
    for name, table in reference.items():
        skeleton = get_skeleton(name)
        assert skeleton.joint_names == tuple(table['names'])
        pairs = {frozenset(pair) for pair in zip(skeleton.left, skeleton.right, strict=True)}
        assert pairs == {frozenset(pair) for pair in table['flip_pairs']}, name
        assert set(skeleton.approximate) == set(table['approximate'])
        assert skeleton.sigmas == (tuple(table['oks_sigmas']) if 'oks_sigmas' in table else None)
        if 'parents' in table:
            assert skeleton.parents == tuple(table['parents'])
        for alias in table['aliases']:
            assert ' ' in alias or get_skeleton(alias) is skeleton


def test_h36m17_is_what_videopose3d_keeps_of_32(shared):
    case = np.load(shared / 'fixtures/parity/videopose3d/functions/h36m_32_to_17.npz')
    small, big = get_skeleton('h36m17'), get_skeleton('h36m32')
    assert [big.joint_names.index(name) for name in small.joint_names] == case['kept'].tolist()
    assert list(small.parents) == case['parents'].tolist()
    assert list(small.left) == case['left'].tolist() and list(small.right) == case['right'].tolist()
    assert sorted(big.left) == [*range(6, 11), *range(16, 24)]  # h36m_protocol, section 3
    assert sorted(big.right) == [*range(1, 6), *range(24, 32)]


def test_cmu17_shares_all_but_the_meaning_of_four_joints():
    cmu, h36m = get_skeleton('cmu17'), get_skeleton('h36m17')
    for field in ('joint_names', 'parents', 'edges', 'parts', 'joint_weights', 'left', 'right'):
        assert getattr(cmu, field) == getattr(h36m, field)
    assert cmu is not h36m and cmu.approximate == ('spine', 'thorax', 'nose', 'head_top')


def test_smplh_hands_hang_on_the_wrists():
    smplh = get_skeleton('smplh52')
    assert smplh.parents[:22] == get_skeleton('smpl24').parents[:22]
    for first in ('left_index1', 'right_thumb1'):
        parent = smplh.parents[smplh.joint_names.index(first)]
        assert smplh.joint_names[parent] == first.split('_')[0] + '_wrist'


def test_loss_weights():
    h36m = get_skeleton('h36m17')  # its values are compared in test_losses.py
    without_nose = tuple(np.delete(h36m.joint_weights['mixste'], 9))
    assert get_skeleton('h36m16').joint_weights['mixste'] == without_nose
    for name in list_skeletons():  # a joint weighs the same on both sides
        skeleton = get_skeleton(name)
        for weights in [v for k, v in skeleton.joint_weights.items() if k != 'mixste_released']:
            assert np.array_equal(np.take(weights, skeleton.flip_indices), weights)


@pytest.mark.parametrize('name', list_skeletons())
def test_every_set_is_whole(name):
    skeleton = get_skeleton(name)
    reached = {joint for edge in skeleton.edges for joint in edge}
    face = {'left_mouth', 'right_mouth'}
    assert {skeleton.joint_names[i] for i in set(range(skeleton.num_joints)) - reached} <= face
    order = skeleton.flip_indices
    assert np.array_equal(order[order], np.arange(skeleton.num_joints))
    swapped = {frozenset((int(order[a]), int(order[b]))) for a, b in skeleton.edges}
    assert swapped == {frozenset(edge) for edge in skeleton.edges}  # drawn alike on both sides
    assert all(skeleton.sides[i] == 'left' for i in skeleton.left)
    if skeleton.parents is not None:
        assert len(skeleton.bones) == skeleton.num_joints - 1 and skeleton.edges == skeleton.bones
        assert skeleton.parents[skeleton.root] == -1
    for part in skeleton.parts.values():
        assert {int(order[i]) for i in part} == set(part)


def test_unknown_name_lists_the_known_and_the_closest():
    with pytest.raises(InputError, match=r'h36m17, .*coco17.*did you mean .halpe26'):
        get_skeleton('Halpe_26')


FIELDS = {'extends', 'about', 'aliases', 'joints', 'parents', 'edges', 'bone_pairs', 'sigmas', 'parts', 'weight_groups'}
FIELDS |= {'joint_weights', 'conversions', 'layout_of'}


@pytest.mark.parametrize('name', list_skeletons())
def test_every_record_is_whole(name):
    """The package trusts its own file; a mistake in a new record shows here."""
    records = json.loads(Path(poselifter.skeletons.__file__).with_name('skeletons.json').read_text(encoding='utf-8'))
    record, (joints, count) = records[name], (records[name]['joints'], len(records[name]['joints']))
    assert {'about', 'aliases', 'joints'} <= set(record) <= FIELDS and ('parents' in record) != ('edges' in record)
    assert len(set(joints)) == count
    for joint in joints:
        side, _, rest = joint.partition('_')
        assert {'left': f'right_{rest}', 'right': f'left_{rest}'}.get(side, joint) in joints
    others = {alias for key in set(records) - {name} for alias in (key, *records[key]['aliases'])}
    assert others.isdisjoint({name, *record['aliases']})
    parents = record.get('parents', [-1] * count)
    assert len(parents) == count and ('edges' in record or parents.count(-1) == 1)
    for joint in range(count):
        for _ in range(count):
            joint = parents[joint] if joint >= 0 else -1
        assert joint == -1  # every joint reaches the root
    named = chain(*record.get('edges', []), *record.get('parts', {}).values())
    assert set(named) <= set(range(count)) and set(chain(*record.get('bone_pairs', []))) <= set(range(count - 1))
    weighted = sorted(joint for _, group in record.get('weight_groups', {}).values() for joint in group)
    assert weighted in ([], list(range(count)))
    for vector in (*record.get('joint_weights', {}).values(), record.get('sigmas', joints)):
        assert len(vector) == count
    if 'layout_of' in record:
        assert records[record['layout_of']['skeleton']]['joints'] == joints

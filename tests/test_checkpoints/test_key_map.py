"""Tables of names: both directions of every row, and of every published file."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from official_layout import FILES, Case

from poselifter.checkpoints import SYSTEMS, convert_official, export_official
from poselifter.checkpoints.key_map import KeyMap
from poselifter.checkpoints.official import official_weights


def tensors(*names, shape=()):
    return {name: torch.full(shape, float(i)) for i, name in enumerate(names)}


def equal(one, other):
    return one.keys() == other.keys() and all(
        one[key].dtype == other[key].dtype and torch.equal(one[key], other[key]) for key in one
    )


def test_a_row_serves_a_name_and_what_follows_after_a_dot():
    table = KeyMap([('norm', 'backbone.norm'), ('head.0', 'heads.pose.norm'), ('embed', 'embedding.weight')])
    state = tensors('norm.weight', 'head.0.bias', 'embed')
    ours, names = table.to_ours({**state, **tensors('norm1.weight', 'my.norm.weight', 'normal', 'head.01', 'head')})
    assert list(ours) == ['backbone.norm.weight', 'heads.pose.norm.bias', 'embedding.weight']
    assert names == dict(zip(state, ours, strict=True))
    assert equal(table.to_theirs(ours), state)
    assert table.to_theirs(tensors('backbone.norm2.weight', 'other')) == {}
    assert table.serves('backbone.norm.weight') and not table.serves('norm.weight')


def test_fields_are_carried_over_and_the_first_row_wins():
    table = KeyMap([('st.{i}.{m}_s', 'layers.{i}.0.{m}'), ('twice.{i}.{i}', 'once.{i}'), ('st', 'rest')])
    state = tensors('st.0.norm1_s.weight', 'st.3.other', 'st.x.norm_s', 'twice.7.7')
    ours, _ = table.to_ours({**state, **tensors('twice.7.8')})
    assert list(ours) == ['layers.0.0.norm1.weight', 'rest.3.other', 'rest.x.norm_s', 'once.7']
    assert equal(table.to_theirs(ours), state)


WORDS = st.text('abcdefg_', min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(WORDS, WORDS, st.booleans()), unique_by=(lambda r: r[0], lambda r: r[1]), min_size=1),
    tails=st.lists(st.tuples(st.integers(0, 11), st.sampled_from(['', '.weight', '.mlp.0.bias'])), min_size=1),
)
def test_any_table_of_distinct_names_is_undone(rows, tails):
    # whole words do not contain each other as starts: a dot ends a name
    table = KeyMap([(f'{a}.{{i}}' if n else a, f'our.{b}.{{i}}.x' if n else f'our.{b}') for a, b, n in rows])
    names = dict.fromkeys(f'{a}.{i}{tail}' if n else a + tail for a, _, n in rows for i, tail in tails)
    state = tensors(*names)
    ours, served = table.to_ours(state)
    assert len(ours) == len(state) and served.keys() == state.keys()
    assert all(name.startswith('our.') for name in ours)
    assert equal(table.to_theirs(ours), state)


@pytest.mark.parametrize('file', FILES)
def test_every_published_layout_comes_back(file):
    folder, _, name = file.rpartition('/')
    case = Case(folder)
    content = case.tensors(file=name)
    for task in (None, 'trajectory') if content.get('model_traj') else (None,):
        state = official_weights(content, task)
        official, system = convert_official(state), case.system
        assert SYSTEMS[official.system] is SYSTEMS[system]
        assert official.names.keys() == state.keys() and not official.dropped
        back, kind, left = export_official(official.state_dict, system, official.kind)
        assert equal(back, state) and (kind, left) == (official.kind, [])
        assert export_official(official.state_dict, system)[1] == official.kind  # found by itself
        again = convert_official(back)
        assert equal(again.state_dict, official.state_dict)


def test_what_has_no_place_in_an_original_is_listed():
    state = tensors('backbone.norm.weight', 'heads.action.fc1.weight', 'heads.action.bn.weight', 'loss.temperature')
    theirs, kind, left = export_official(state, 'motionbert')
    assert (kind, left) == ('action', ['loss.temperature'])
    assert list(theirs) == ['backbone.norm.weight', 'head.fc1.weight', 'head.bn.weight']
    theirs, kind, left = export_official(state, 'motionbert', 'pose')
    assert (kind, list(theirs)) == ('pose', ['norm.weight'])
    assert left == ['heads.action.fc1.weight', 'heads.action.bn.weight', 'loss.temperature']

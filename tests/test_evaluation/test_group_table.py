import random

import numpy as np

from poselifter.evaluation.metrics import GroupTable, SequenceScore


def _score(action, frames, total, count):
    return SequenceScore({'action_name': action}, frames, {'mpjpe': (total, count)})


def test_sequences_are_weighted_by_what_they_count_and_groups_equally():
    table = GroupTable.of(
        [_score('walk', 10, 100.0, 10), _score('run', 1, 7.0, 1), _score('walk', 30, 900.0, 30)],
        'action_name',
        ['mpjpe'],
    )
    assert list(table.rows) == ['run', 'walk']
    assert table.rows['walk'] == {'mpjpe': 25}
    assert table.averages == {'mean_of_groups': {'mpjpe': (25 + 7) / 2}, 'all_frames': {'mpjpe': 1007 / 41}}
    assert table.sequences == {'run': 1, 'walk': 2}
    assert table.frames == {'run': 1, 'walk': 40}


def test_order_cannot_change_a_digit(rng):
    scores = [_score('walk', 3, float(x), 3) for x in rng.lognormal(0, 8, 500)]
    first = GroupTable.of(scores, 'action_name', ['mpjpe']).rows
    for seed in range(5):
        random.Random(seed).shuffle(scores)
        assert GroupTable.of(scores, 'action_name', ['mpjpe']).rows == first


def test_a_metric_that_counted_nothing_is_absent_and_shown_as_a_dash():
    table = GroupTable.of([_score('walk', 1, 0.0, 0), _score('run', 2, 5.0, 2)], 'action_name', ['mpjpe'])
    assert table.rows == {'run': {'mpjpe': 2.5}, 'walk': {}}
    assert table.averages == {'mean_of_groups': {'mpjpe': 2.5}, 'all_frames': {'mpjpe': 2.5}}
    assert table.text({'mpjpe': 'MPJPE'}).splitlines()[3].split() == ['walk', '1', '1', '-']


def test_text_is_a_fixed_width_table():
    scores = [_score('walk', 1200, 51.234 * 7, 7), _score('martial_arts', 30, 100.0, 1)]
    lines = GroupTable.of(scores, 'action_name', ['mpjpe']).text({'mpjpe': 'MPJPE'}).splitlines()
    assert [line.split() for line in lines if set(line) != {'-'}] == [
        ['action_name', 'sequences', 'frames', 'MPJPE'],
        ['martial_arts', '1', '30', '100.00'],
        ['walk', '1', '1200', '51.23'],
        ['mean_of_groups', '2', '1230', '75.62'],
        ['all_frames', '2', '1230', '57.33'],
    ]
    assert len({len(line) for line in lines}) == 1


def test_published_sheet_of_mpi_inf_3dhp(parity):
    case = parity('pstmo/functions/mpi3dhp_weighted_mean')
    columns = ('mpjpe', 'pck', 'auc')
    scores = [
        SequenceScore({'sequence': f'TS{i}'}, n, {c: (case[c][i] * n, n) for c in columns})
        for i, n in enumerate(case['frames'].tolist())
    ]
    averages = GroupTable.of(scores, 'sequence', columns).averages
    np.testing.assert_allclose([averages['all_frames'][c] for c in columns], case['out'], atol=1e-4)
    np.testing.assert_allclose([averages['mean_of_groups'][c] for c in columns], [32.9, 97.78, 75.2], atol=0.02)


def test_flat_keys_name_both_averages():
    table = GroupTable.of([_score('walk', 1, 4.0, 1), _score('run', 3, 6.0, 3)], 'action_name', ['mpjpe'])
    groups = {'MPJPE/run': 2.0, 'MPJPE/walk': 4.0}
    assert table.figures({'mpjpe': 'MPJPE'}, 'mean_of_groups') == {'MPJPE': 3, 'all_frames/MPJPE': 2.5, **groups}
    assert table.figures({'mpjpe': 'MPJPE'}, 'all_frames') == {'MPJPE': 2.5, 'mean_of_groups/MPJPE': 3, **groups}

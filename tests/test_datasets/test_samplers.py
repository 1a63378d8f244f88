import numpy as np
import pytest

from poselifter.datasets import BalancedSampler, CMUMocapDataset, ProceduralMotion
from poselifter.errors import InputError


@pytest.fixture
def clips(data_dir):
    def build(**changes):
        source = {'data_root': str(data_dir), 'ann_file': 'cmu_tiny.npz', 'window': {'length': 27}}
        return CMUMocapDataset(**{**source, **changes})

    return build


def labels_of(data, order):
    return np.array([data.get_data_info(int(data.windows[i % len(data), 0]))['action'] for i in order])


def test_every_class_comes_as_often(clips):
    data = clips(actions=['walk', 'run', 'dance'])
    plain = np.bincount(labels_of(data, range(len(data))))
    order = list(BalancedSampler(data))
    assert np.ptp(plain) > 3 and len(order) == len(data)
    assert np.ptp(np.bincount(labels_of(data, order))) <= 2  # the last samples of the epoch are cut off
    rare = [np.flatnonzero(labels_of(data, range(len(data))) == label) for label in range(3)]
    uses = [np.bincount(order, minlength=len(data))[rows] for rows in rare]
    assert all(np.ptp(counts) <= 2 for counts in uses)  # none is drawn twice before all are


def test_classes_are_evened_half_way(clips):
    """A sample's weight is 1 / sqrt(n): a class of n samples comes in proportion to sqrt(n)."""
    data = clips(actions=['walk', 'run', 'dance'])
    plain = np.bincount(labels_of(data, range(len(data))))
    sampler = BalancedSampler(data, key='action_name', power=0.5)
    found = np.mean([np.bincount(labels_of(data, sampler._order(np.random.default_rng(i)))) for i in range(5)], 0)
    np.testing.assert_allclose(found, len(data) * plain**0.5 / (plain**0.5).sum(), atol=1)


def test_epochs_differ_repeat_and_are_shared_by_processes(clips, monkeypatch):
    data = clips(actions=['walk', 'run', 'dance'])
    samplers = [BalancedSampler(data, seed=seed) for seed in (1, 1, 2)]
    for sampler in samplers:
        sampler.set_epoch(3)
    one, again, other = (list(sampler) for sampler in samplers)
    assert one == again != other
    assert min(one) >= 3 * len(data)
    parts = []
    for rank in range(2):
        monkeypatch.setattr('poselifter.datasets.samplers.get_dist_info', lambda rank=rank: (rank, 2))
        parts.append(list(BalancedSampler(data, seed=1)))
    assert len(parts[0]) == len(parts[1]) == -(-len(data) // 2)
    assert np.ptp(np.bincount(labels_of(data, parts[0] + parts[1]))) <= 2


def test_actions_are_chosen_and_numbered(clips):
    data = clips(actions=['run', 'walk'], test_mode=True)
    found = {(data[i]['action_name'], data[i]['action']) for i in range(len(data))}
    assert found == {('run', 0), ('walk', 1)}
    assert data.metainfo['actions'] == ('run', 'walk')
    assert len(clips(test_mode=True)) > len(data)
    with pytest.raises(InputError, match=r"actions \['fly'\], expected some of"):
        clips(actions=['walk', 'fly'])


def test_a_part_of_the_classes_keeps_their_numbers(clips):
    cmu = clips(actions=['run'], classes=['walk', 'dance', 'run'], test_mode=True)
    made = ProceduralMotion(4, 30, motions=['walk', 'bow'], classes=['swim', 'walk', 'squat', 'bow'], test_mode=True)
    assert {(sample['action_name'], sample['action']) for sample in cmu} == {('run', 2)}
    assert [(sample['action_name'], sample['action']) for sample in made] == [('walk', 1), ('bow', 3)] * 2
    assert cmu.metainfo['actions'] == ('walk', 'dance', 'run') and made.metainfo['actions'][3] == 'bow'
    with pytest.raises(InputError, match=r"motions \['jump'\], expected some of \['walk', 'bow'\]"):
        ProceduralMotion(motions=['jump', 'walk'], classes=['walk', 'bow'], test_mode=True)


def test_motions_are_numbered_in_the_order_given():
    data = ProceduralMotion(4, 30, motions=['swim', 'walk'], test_mode=True)
    assert [(data[i]['action_name'], data[i]['action']) for i in range(4)] == [('swim', 0), ('walk', 1)] * 2
    assert data.metainfo['actions'] == ('swim', 'walk')


def test_clips_of_the_fair_classes(shared):
    """As the data's own page counts them; that subjects are apart is in test_motion_datasets.py."""
    for part in ('train', 'test'):
        actions = ['walk', 'run', 'climb', 'acrobatics', 'drink', 'laugh']
        path = shared / f'data/cmu/cmu_{part}.npz'
        data = CMUMocapDataset(ann_file=str(path), actions=actions, test_mode=True)
        infos = [data.get_data_info(i) for i in range(len(data))]
        counts = np.bincount([info['action'] for info in infos]).tolist()
        assert counts == {'train': [73, 12, 24, 5, 3, 3], 'test': [4, 10, 6, 4, 3, 3]}[part]

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel

import poselifter
from poselifter.datasets import ConcatDataset, EpochSampler, ProceduralMotion, SourceBatchSampler
from poselifter.engine import MotionRunner
from poselifter.errors import InputError
from poselifter.registry import MODELS

CODEC = dict(type='RootRelativeLifting', confidence=True)
PIPELINE = [dict(type='VirtualCamera'), dict(type='Encode', codec=CODEC), dict(type='FlipPose'), dict(type='PackPose')]
SOURCES = [
    dict(type='ProceduralMotion', n_sequences=n, n_frames=60, seed=n, window=dict(length=length), pipeline=PIPELINE)
    for n, length in ((5, 9), (3, 20), (2, 30))
]


@pytest.fixture(scope='module')
def mixed():
    poselifter.register_all_modules()
    return ConcatDataset(SOURCES)  # 5 * 7, 3 * 3 and 2 * 2 clips


@pytest.fixture
def batches(mixed):
    """The batches of one epoch as (source, epoch that the source sees, row) each."""

    def draw(epoch=0, rank=0, world=1, batch_size=4, seed=3, shuffle=True, **kwargs):
        sampler = EpochSampler(mixed, shuffle=shuffle, seed=seed)
        sampler.rank, sampler.world_size = rank, world
        both = SourceBatchSampler(sampler, batch_size, **kwargs)
        sampler.set_epoch(epoch)
        found = list(both)
        assert len(found) == len(both)
        rows = [np.divmod(batch, len(mixed)) for batch in found]
        sources = [np.searchsorted(mixed.ends, row, side='right') for _, row in rows]
        assert all((source == source[0]).all() for source in sources)
        return [(int(s[0]), seen.tolist(), row.tolist()) for s, (seen, row) in zip(sources, rows, strict=True)]

    return draw


def test_a_sample_is_that_of_its_source(mixed):
    assert [len(d) for d in mixed.datasets] == [35, 9, 4] and len(mixed) == 48
    places = [(0, 34), (1, 0), (2, 3), (0, 0)]
    indices = [2 * 48 + [0, 35, 44][source] + row for source, row in places]
    for item, (source, row) in zip(mixed.__getitems__(indices), places, strict=True):
        own = mixed.datasets[source]
        expected = own[2 * len(own) + row]['inputs']
        assert torch.equal(item['inputs'], expected)
    assert torch.equal(mixed[47]['inputs'], mixed.datasets[2][3]['inputs'])
    assert mixed.metainfo['dataset_name'] == 'procedural'
    with pytest.raises(InputError, match='at least one source'):
        ConcatDataset([])


def test_sources_share_one_table_of_texts():
    wordings = {'walk': ['walks', 'strolls']}, {'walk': ['strolls', 'ambles'], 'wave': ['waves']}
    pack = dict(type='PackPose', keys=['captions', 'action'])
    sources = [
        dict(source, motions=list(words), wordings=words, pipeline=[*PIPELINE[:2], pack])
        for source, words in zip(SOURCES, wordings, strict=False)
    ]
    alone, together = [ConcatDataset([source]) for source in sources], ConcatDataset(sources)
    assert {*together.metainfo['texts']} == {'walks', 'strolls', 'ambles', 'waves'}
    tables = [d.metainfo['texts'] for d in (*alone, *together.datasets)]
    assert tables[2] == tables[3] != tables[1] and len(tables[2]) == 4

    def texts(data, index, table):
        return {table[text] for text in data[index]['data_samples'].captions}

    for index in (0, len(alone[0]), len(together) - 1):
        own = alone[index >= len(alone[0])]
        expected = texts(own, index - (len(alone[0]) if own is alone[1] else 0), own.metainfo['texts'])
        assert texts(together, index, together.metainfo['texts']) == expected
    again = ConcatDataset([together, sources[0]])  # sources that share a table already
    assert texts(again, len(together) - 1, again.metainfo['texts']) == expected


def test_an_epoch_has_every_clip_once_in_batches_of_one_source(batches):
    for order in ('mixed', 'sequence'):
        found = batches(order=order)
        assert sorted(row for _, _, rows in found for row in rows) == list(range(48))
        assert all(set(seen) == {0} for _, seen, _ in found)
        counts = np.bincount([source for source, _, _ in found])
        assert counts.tolist() == [9, 3, 1]  # 35, 9 and 4 clips by four, the last batch short
        sources = [source for source, _, _ in found]
        assert (sources == sorted(sources)) == (order == 'sequence')
    assert batches(epoch=1) != batches(epoch=2) and batches(epoch=1) == batches(epoch=1)
    assert batches(seed=4) != batches()
    plain = batches(shuffle=False, order='sequence')
    assert [row for _, _, rows in plain for row in rows] == list(range(48))
    sizes = [(source, len(rows)) for source, _, rows in batches(batch_size=[8, 2, 4], order='sequence')]
    assert sizes == [(0, 8)] * 4 + [(0, 3)] + [(1, 2)] * 4 + [(1, 1)] + [(2, 4)]


def test_curriculum_of_motionbert(batches):
    def sources(epoch):
        return [source for source, _, _ in batches(epoch, order='sequence', first_epochs=(2, 3, 0))]

    assert sources(0) == sources(1) == [2]
    assert sources(2) == [0] * 9 + [2]
    assert sources(3) == [0] * 9 + [1] * 3 + [2]


def test_sources_that_leave(batches):
    """MotionBERT's 3DPW mix: Human3.6M in the first 20 epochs, here two."""

    def sources(epoch):
        found = batches(epoch, order='sequence', last_epochs=(1, None, None), first_epochs=(0, 0, 2))
        return [source for source, _, _ in found]

    assert sources(0) == sources(1) == [0] * 9 + [1] * 3
    assert sources(2) == sources(70) == [1] * 3 + [2]
    with_ratios = [s for s, _, _ in batches(2, ratios=(9, 1, 1), last_epochs=(1, None, None))]
    assert set(with_ratios) == {1, 2} and len(with_ratios) == 3 + 1


def test_ratios_repeat_small_sources_as_if_in_other_epochs(batches):
    found = batches(epoch=5, ratios=(1, 1, 2), batch_size=3)
    total = 12 + 3 + 2
    counts = np.bincount([source for source, _, _ in found])
    assert counts.sum() == total and counts.tolist() in ([4, 4, 9], [5, 4, 8], [4, 5, 8])
    assert all(len(rows) == 3 for _, _, rows in found)
    for source, size in enumerate((35, 9, 4)):
        pairs = [pair for s, seen, rows in found if s == source for pair in zip(seen, rows, strict=True)]
        assert len(set(pairs)) == len(pairs)  # no clip twice with the same random draws
        assert len({row for _, row in pairs}) == min(size, len(pairs))
    large = {row for epoch in range(12) for s, _, rows in batches(epoch, ratios=(1, 9, 9)) if s == 0 for row in rows}
    assert len(large) > 20  # other clips of a large source in other epochs


@pytest.mark.parametrize('ratios', [None, (1, 2, 3)])
def test_two_processes_see_what_one_sees(batches, ratios):
    for order in ('mixed', 'sequence'):
        one = batches(batch_size=4, order=order, ratios=ratios)
        two = [batches(batch_size=2, order=order, ratios=ratios, rank=rank, world=2) for rank in range(2)]
        assert len(two[0]) == len(two[1]) == len(one)
        for whole, *parts in zip(one, *two, strict=True):
            assert {whole[0]} == {part[0] for part in parts}
            both = sorted(parts[0][2] + parts[1][2])
            # 35 and 9 are odd, so that in the last batch one process takes a clip once more
            assert both == sorted(whole[2]) or (len(both) == len(whole[2]) + 1 and set(both) >= set(whole[2]))


@MODELS.register_module(force=True)
class LengthRecorder(BaseModel):
    """Notes what it was trained on."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.seen.append((inputs.shape[1], float(inputs.sum())))
        return {'loss': self.bias.sum()}


def test_training_follows_epochs_and_resumes(tmp_path):
    def run(epochs, **more):
        loader = dict(
            dataset=dict(type='ConcatDataset', datasets=SOURCES), sampler=dict(type='EpochSampler'),
            batch_sampler=dict(type='SourceBatchSampler', order='sequence', first_epochs=(1, 2, 0)), batch_size=8,
            num_workers=0, collate_fn=dict(type='poselifter.stack_clips'),
        )  # fmt: skip
        config = dict(
            default_scope='poselifter', model=dict(type='LengthRecorder'), train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=epochs), optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            work_dir=str(tmp_path), randomness=dict(seed=1), **more,
        )  # fmt: skip
        runner = MotionRunner.from_cfg(Config(config))
        runner.train()
        return runner.model.seen

    whole = run(3)
    assert [length for length, _ in whole] == [30] + [9] * 5 + [30] + [9] * 5 + [20] * 2 + [30]
    assert len({total for _, total in whole}) == len(whole)
    run(2)
    assert run(3, resume=True, load_from=str(tmp_path / 'epoch_2.pth')) == whole[-8:]


def test_wrong_arguments(mixed):
    sampler = EpochSampler(mixed)
    for kwargs, text in (
        (dict(order='any'), "expected 'mixed' or 'sequence'"),
        (dict(ratios=(1, 2)), 'ratios is .* expected a number for each of 3 sources'),
        (dict(first_epochs=(1, 2, 3)), 'leaves no source in epoch 0'),
        (dict(last_epochs=(9, 4, 6)), 'leaves no source in epoch 10'),
        (dict(first_epochs=(0, 7, 9), last_epochs=(4, None, None)), 'leaves no source in epoch 5'),
        (dict(last_epochs=(9, None)), 'last_epochs is .* expected a number for each of 3 sources'),
    ):
        with pytest.raises(InputError, match=text):
            SourceBatchSampler(sampler, 4, **kwargs)
    with pytest.raises(InputError, match='batch_size'):
        SourceBatchSampler(sampler, [4, 0, 4])
    with pytest.raises(InputError, match='needs a ConcatDataset, found a ProceduralMotion'):
        SourceBatchSampler(EpochSampler(ProceduralMotion(n_sequences=1, n_frames=9, window=dict(length=9))), 4)

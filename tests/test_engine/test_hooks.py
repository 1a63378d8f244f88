import os
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from poselifter.engine import PoseVisualizationHook, StatelessRandomHook
from poselifter.errors import InputError
from poselifter.registry import WRITERS


def draws(seed=0, rank=0, iteration=0, method='before_train_iter'):
    arguments = {'batch_idx': 0} if method == 'before_train_iter' else {}
    getattr(StatelessRandomHook(), method)(SimpleNamespace(seed=seed, rank=rank, iter=iteration), **arguments)
    return (torch.rand(1).item(), np.random.rand(), random.random())  # noqa: NPY002


def test_draws_depend_on_seed_rank_and_iteration_alone():
    first = draws()
    torch.rand(100)
    assert draws() == first
    others = [draws(seed=1), draws(rank=1), draws(iteration=1), draws(method='before_train_epoch')]
    for other in others:
        assert not set(other) & set(first)
    assert len({other[0] for other in others}) == 4


def test_at_most_max_keep_ckpts_and_one_best_remain(make_runner, epochs, tmp_path):
    best = {'save_best': ['MPJPE', 'MPJVE'], 'rule': 'less'}
    hook = {'type': 'CheckpointHook', 'interval': 1, 'max_keep_ckpts': 2, **best}
    make_runner(train_cfg=epochs(4), default_hooks={'checkpoint': hook}).train()
    names = sorted(path.name for path in (tmp_path / 'run').glob('*.pth'))
    assert [name for name in names if name.startswith('epoch')] == ['epoch_3.pth', 'epoch_4.pth']
    assert [name.split('_epoch')[0] for name in names if name.startswith('best')] == ['best_MPJPE', 'best_MPJVE']
    assert (tmp_path / 'run/last_checkpoint').read_text().endswith('epoch_4.pth')


@pytest.mark.parametrize(('killed_at', 'left'), [
    ('epoch_2.pth', {'epoch_1.pth', 'best_MPJPE_epoch_1.pth'}),
    ('best_MPJPE_epoch_2.pth', {'epoch_2.pth', 'best_MPJPE_epoch_1.pth'}),
])  # fmt: skip
def test_a_kill_while_saving_leaves_the_previous_checkpoint(
    make_runner, epochs, tmp_path, monkeypatch, killed_at, left
):
    replace = os.replace

    def killed_before_the_file_has_its_name(source, target):
        if Path(target).name == killed_at:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, 'replace', killed_before_the_file_has_its_name)
    hook = {'type': 'CheckpointHook', 'interval': 1, 'max_keep_ckpts': 1, 'save_best': 'MPJPE', 'rule': 'less'}
    with pytest.raises(KeyboardInterrupt):
        make_runner(train_cfg=epochs(3), default_hooks={'checkpoint': hook}).train()
    assert {path.name for path in (tmp_path / 'run').glob('*.pth')} == left
    for name in left:
        torch.load(tmp_path / 'run' / name, weights_only=True)


def test_save_best_must_name_a_reported_metric(make_runner, epochs):
    hook = {'type': 'CheckpointHook', 'save_best': 'PCK', 'rule': 'greater'}
    with pytest.raises(InputError, match=r"save_best is 'PCK', but the evaluators report MPJPE"):
        make_runner(train_cfg=epochs(1), default_hooks={'checkpoint': hook}).train()


def test_objects_that_are_no_plain_data_are_left_out_with_a_warning(make_runner, epochs, tmp_path, capsys):
    runner = make_runner(train_cfg=epochs(1))
    runner.message_hub.update_info('mine', object())
    runner.train()
    assert "message_hub 'mine' is a object, which a checkpoint cannot hold" in capsys.readouterr().out
    assert 'mine' not in torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)['message_hub']['runtime_info']


def test_predictions_are_drawn_up_to_the_limit(make_runner, monkeypatch, tmp_path):
    drawn = []

    def write(path, result):
        assert result.table.keypoints.shape == (4, 3, 2) and result.poses.shape == (4, 3, 3)
        assert (result.truth[:, 0] == 0).all()
        drawn.append((path.relative_to(tmp_path).as_posix(), result.skeleton, result.skeleton_3d))

    monkeypatch.setitem(WRITERS.module_dict, 'png', write)
    monkeypatch.setattr('poselifter.structures.result.get_skeleton', lambda name: SimpleNamespace(num_joints=3))
    hook = {'type': 'PoseVisualizationHook', 'out_dir': str(tmp_path / 'show'), 'limit': 6}
    make_runner(custom_hooks=[hook]).test()
    assert [name for name, *_ in drawn] == [f'show/{i:03d}_clip_{i}.png' for i in range(6)]
    assert drawn[0][1:] == ('toy', 'toy')
    assert PoseVisualizationHook('x').limit == 8

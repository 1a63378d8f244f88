import copy
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from poselifter.engine import CheckpointHook, MotionRunner, PlainCheckpointHook, StatelessRandomHook
from poselifter.errors import InputError


def logged(folder, key):
    rows = [json.loads(line) for line in next(folder.glob('*/vis_data/scalars.json')).read_text().splitlines()]
    return [row[key] for row in rows if key in row]


EVERY_ITERATION = {
    'logger': {'type': 'LoggerHook', 'interval': 1},
    'checkpoint': {'type': 'CheckpointHook', 'interval': 1},
}


def test_parity_with_a_plain_loop(make_runner, toy, epochs, tmp_path):
    runner = make_runner(
        train_cfg=epochs(3), default_hooks=EVERY_ITERATION, log_processor={'window_size': 1, 'num_digits': 9}
    )
    model = copy.deepcopy(runner.model)
    runner.train()

    data, order = toy.ToyClips(16), torch.utils.data.DataLoader
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    losses = []
    for epoch in range(3):
        generator = torch.Generator().manual_seed(3 + epoch)  # as DefaultSampler: seed + epoch
        indices = torch.randperm(16, generator=generator).tolist()
        for batch in order(data, sampler=indices, batch_size=4, collate_fn=list):
            words = np.random.SeedSequence([3, 0, len(losses), 1]).generate_state(4)
            torch.manual_seed(int(words[0]) << 32 | int(words[1]))
            x = torch.stack([clip['inputs'] for clip in batch])
            y = torch.stack([clip['data_samples'].lifting_target for clip in batch])
            loss = (model.out(model.dropout(model.hidden(x))) - y).norm(dim=-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    np.testing.assert_allclose(logged(tmp_path / 'run', 'loss'), losses, rtol=1e-6)
    for key, value in runner.model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, rtol=1e-5, atol=1e-7)


def test_total_batch_size_is_shared_evenly(make_runner, toy, monkeypatch):
    runner = make_runner(total_batch_size=12)
    for processes, size in ((1, 12), (3, 4)):
        monkeypatch.setattr(MotionRunner, 'world_size', processes)
        assert runner.build_train_loop({'by_epoch': True, 'max_epochs': 1}).dataloader.batch_size == size
    monkeypatch.setattr(MotionRunner, 'world_size', 5)
    with pytest.raises(InputError, match='total_batch_size is 12 for 5 processes'):
        make_runner(total_batch_size=12).train()
    monkeypatch.setattr(MotionRunner, 'world_size', 1)
    loader = {**toy.loader(16, 4, True), 'batch_size': [2, 4]}
    with pytest.raises(InputError, match='one size for all sources'):
        make_runner(total_batch_size=12, train_dataloader=loader).train()


def test_checkpoint_is_plain_and_says_what_it_is(make_runner, epochs, tmp_path):
    make_runner(train_cfg=epochs(1), custom_hooks=[{'type': 'EMAHook'}]).train()
    path = tmp_path / 'run/epoch_1.pth'
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
    meta = torch.load(path, weights_only=True)['meta']
    assert meta['format_version'] == 1
    assert meta['codec'] == {'type': 'RootRelativeLifting', 'skeleton': 'coco17', 'fps': 25}
    assert type(meta['codec']) is dict
    assert [meta[key] for key in ('skeleton', 'skeleton_3d', 'fps', 'unit')] == ['coco17', 'h36m17', 25, 'm']
    assert Config.fromstring(meta['cfg'], '.py').model.type == 'ToyLifter'
    assert meta['dataset_meta'] == {'dataset_name': 'toy', 'sigmas': [1.0, 1.0, 1.0]}


def test_no_config_can_lose_the_hooks_behind_exact_resume(make_runner):
    for hooks in ([], None, [{'type': 'StatelessRandomHook', 'priority': 'NORMAL'}]):
        runner = make_runner(custom_hooks=hooks)
        for kind in (StatelessRandomHook, PlainCheckpointHook):
            assert sum(isinstance(hook, kind) for hook in runner.hooks) == 1


def test_scope_is_ours_unless_the_config_names_one(toy, tmp_path):
    config = Config(toy.config(tmp_path))
    config.pop('default_scope')
    runner = MotionRunner.from_cfg(config)
    assert any(isinstance(hook, CheckpointHook) for hook in runner.hooks)
    assert 'default_scope' not in config


def test_runners_of_one_second_share_nothing(make_runner, tmp_path):
    first, second = make_runner('a'), make_runner('b')
    assert first.logger is not second.logger and first.message_hub is not second.message_hub
    assert first.visualizer is not second.visualizer


def test_long_dumps_go_to_the_log_file_only(make_runner, epochs, tmp_path, capsys):
    make_runner(train_cfg=epochs(1)).train()
    console = capsys.readouterr().out
    file = next((tmp_path / 'run').glob('*/*.log')).read_text()
    for words in ('System environment', 'train_dataloader', 'Hooks will be executed'):
        assert words in file and words not in console
    assert 'eta' in console and 'loss_mpjpe' in console


def test_test_is_strict_about_weights_and_load_from_is_not(make_runner, epochs, tmp_path):
    make_runner(train_cfg=epochs(1)).train()
    path = tmp_path / 'run/epoch_1.pth'
    assert make_runner('again', load_from=str(path)).test()['clips'] == 9
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint['state_dict']['out.bias']
    torch.save(checkpoint, tmp_path / 'part.pth')
    with pytest.raises(InputError, match=r'does not fit the model .*missing keys.*out\.bias'):
        make_runner('part', load_from=str(tmp_path / 'part.pth')).test()
    make_runner('tuned', load_from=str(tmp_path / 'part.pth'), train_cfg=epochs(1)).train()
    torch.save({'state_dict': {'other': torch.zeros(1)}}, tmp_path / 'other.pth')
    with pytest.raises(InputError, match='no tensor of the model'):
        make_runner('other', load_from=str(tmp_path / 'other.pth')).train()


def test_tensorboard_writes_event_files(make_runner, epochs, tmp_path):
    backends = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
    make_runner(train_cfg=epochs(1), visualizer={'type': 'Visualizer', 'vis_backends': backends}).train()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(next((tmp_path / 'run').rglob('events.out.*'))))
    events.Reload()
    assert {'loss', 'lr', 'MPJPE'} <= set(events.Tags()['scalars'])


def test_default_runtime_works_as_a_base(toy, repository, tmp_path, epochs):
    base = Config.fromfile(repository / 'configs/_base_/default_runtime.py')
    config = toy.config(tmp_path / 'run', train_cfg=epochs(1))
    for key in ('default_hooks', 'env_cfg', 'randomness', 'default_scope'):
        del config[key]
    base.merge_from_dict(config)
    runner = MotionRunner.from_cfg(base)
    assert isinstance(runner, Runner) and runner.seed == 0
    runner.train()
    assert (tmp_path / 'run/best_MPJPE_epoch_1.pth').is_file()

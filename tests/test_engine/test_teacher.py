"""The teacher moves with the optimiser's real steps and nothing else; captions reach the model."""

import pytest
import torch
from mmengine.model import BaseModel

from poselifter.engine import TeacherUpdateHook
from poselifter.engine.runner import _texts_of
from poselifter.errors import InputError
from poselifter.models.estimators.context import Teacher
from poselifter.models.parts import CaptionedModel, DistillingModel
from poselifter.registry import MODELS

DECAY = (0.5, 0.9)


@MODELS.register_module(force=True)
class ToyDistiller(BaseModel, DistillingModel):
    """Learns the truth, and has a teacher; notes the student after every change."""

    def __init__(self, spread=1.0, overflow_at=None):
        super().__init__()
        self.backbone = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(4))
        self.teacher = Teacher(self.backbone, DECAY)
        self.spread, self.overflow_at = spread, overflow_at
        self.history, self.calls = [], 0

    def forward(self, inputs, data_samples, mode='tensor'):
        x = self.backbone[0](torch.stack(list(inputs)))
        if mode != 'loss':
            for sample, keypoints_3d in zip(data_samples, x, strict=True):
                sample.pred_keypoints_3d = keypoints_3d
            return data_samples
        self.calls += 1
        self.backbone[1].running_mean += 1  # buffers are copied, not averaged
        target = torch.stack([sample.lifting_target for sample in data_samples])
        loss = (x - target).square().mean()
        if self.calls == self.overflow_at:
            loss = loss * float('inf')
        return {'loss': loss, 'target_std': torch.tensor(self.spread), 'prediction_std': torch.tensor(1.0)}


@pytest.fixture
def distill(make_runner, epochs):
    """Trains; returns the runner and the student's weight after every iteration, the start included."""

    def run(folder='run', overflow_at=None, spread=1.0, wrapper=None, n=2, **changes):
        changes.setdefault('optim_wrapper', {'optimizer': {'type': 'SGD', 'lr': 0.1}, **(wrapper or {})})
        model = {'type': 'ToyDistiller', 'overflow_at': overflow_at, 'spread': spread}
        runner = make_runner(folder, model=model, train_cfg=epochs(n), param_scheduler=None, **changes)
        model = getattr(runner.model, 'module', runner.model)
        students, step = [model.backbone[0].weight.detach().clone()], runner.model.train_step

        def train_step(*args, **kwargs):
            result = step(*args, **kwargs)
            students.append(model.backbone[0].weight.detach().clone())
            return result

        runner.model.train_step = train_step
        runner.train()
        return runner, model, students

    return run


def closed_form(start, students, total):
    """The teacher after these students, with the linear rise of the decay over ``total`` updates."""
    value = start.clone()
    for i, student in enumerate(students):
        tau = DECAY[0] + (DECAY[1] - DECAY[0]) * i / (total - 1)
        value = tau * value + (1 - tau) * student
    return value


def test_teacher_is_the_average_of_the_students(distill):
    runner, model, students = distill()
    assert sum(isinstance(hook, TeacherUpdateHook) for hook in runner.hooks) == 1
    assert len(students) == 9 and model.teacher.total_steps == 8
    torch.testing.assert_close(model.teacher.module[0].weight, closed_form(students[0], students[1:], 8))
    assert torch.equal(model.teacher.module[1].running_mean, model.backbone[1].running_mean)


def test_accumulated_gradients_update_after_real_steps_only(distill):
    _, model, students = distill(wrapper={'accumulative_counts': 3})
    real = [students[i] for i in (3, 6, 8)]  # mmengine also steps in the last iteration
    assert torch.equal(students[1], students[0]) and not torch.equal(students[3], students[2])
    assert model.teacher.total_steps == 3 and int(model.teacher.steps) == 1 + 3
    torch.testing.assert_close(model.teacher.module[0].weight, closed_form(students[0], real, 3))


@pytest.mark.parametrize('fused', [False, True])
def test_steps_that_a_scaler_skips_do_not_count(distill, monkeypatch, fused):
    """The scaler of float16, on the CPU: a loss that overflows makes it skip."""
    from mmengine.optim import OptimWrapper

    scaler = torch.amp.GradScaler('cpu', init_scale=8.0)

    def step(self, **kwargs):
        scaler.step(self.optimizer, **kwargs)
        scaler.update()

    monkeypatch.setattr(OptimWrapper, 'step', step)
    monkeypatch.setattr(OptimWrapper, 'loss_scaler', scaler, raising=False)
    monkeypatch.setattr(OptimWrapper, 'scale_loss', lambda self, loss: scaler.scale(loss))
    _, model, students = distill(
        optim_wrapper={'optimizer': {'type': 'AdamW', 'lr': 0.1, 'fused': fused}}, overflow_at=3, n=1
    )
    assert torch.equal(students[3], students[2]) and not torch.equal(students[4], students[3])
    assert int(model.teacher.steps) == 1 + 3
    real = [students[i] for i in (1, 2, 4)]
    torch.testing.assert_close(model.teacher.module[0].weight, closed_form(students[0], real, 4))


def test_resume_continues_the_teacher(distill, assert_same_weights, tmp_path):
    distill('whole', n=4)
    distill('halves', n=4, custom_hooks=[{'type': 'StopAfter', 'iterations': 8}])
    _, model, _ = distill('halves', n=4, resume=True)
    assert model.teacher.total_steps == 16
    assert_same_weights(tmp_path / 'whole/epoch_4.pth', tmp_path / 'halves/epoch_4.pth')
    saved = torch.load(tmp_path / 'halves/epoch_4.pth', weights_only=True)['state_dict']
    assert not torch.equal(saved['teacher.module.0.weight'], saved['backbone.0.weight'])


def test_an_untouched_teacher_starts_as_the_loaded_student(distill, tmp_path):
    _, model, _ = distill('first', n=1)
    weights = {f'backbone.{k}': v for k, v in model.backbone.state_dict().items()}
    torch.save({'state_dict': weights}, tmp_path / 'encoder.pth')
    _, other, students = distill('second', n=1, load_from=str(tmp_path / 'encoder.pth'))
    start = weights['backbone.0.weight']
    torch.testing.assert_close(other.teacher.module[0].weight, closed_form(start, students[1:], 4))


def test_through_a_wrapper_for_processes(distill, launched, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    runner, model, students = distill(launcher='pytorch', find_unused_parameters=True)
    assert runner.model is not model and runner.model.module is model
    torch.testing.assert_close(model.teacher.module[0].weight, closed_form(students[0], students[1:], 8))


def test_average_of_the_average_is_refused_and_no_teacher_has_no_hook(distill, make_runner):
    with pytest.raises(InputError, match='EMAHook, but the model moves a teacher'):
        distill(custom_hooks=[{'type': 'EMAHook'}])
    assert not any(isinstance(hook, TeacherUpdateHook) for hook in make_runner().hooks)


def test_collapse_is_said_once(distill, capsys):
    distill(spread=0.004)
    assert capsys.readouterr().out.count('collapse: target_std is 0.004 in iteration 2, below 0.01') == 1
    distill('fine', spread=0.02)
    assert 'collapse: ' not in capsys.readouterr().out


def test_captions_of_the_training_data_reach_the_model(make_runner, toy, epochs, monkeypatch):
    class Reads(toy.ToyLifter, CaptionedModel):
        texts = None

    MODELS.register_module(module=Reads, name='ToyReader', force=True)
    with pytest.raises(InputError, match='Reads learns from captions, but the data of train_dataloader has none'):
        make_runner(model={'type': 'ToyReader'}, train_cfg=epochs(1)).train()
    init = toy.ToyClips.__init__

    def with_texts(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self.metainfo['texts'] = ['walk', 'sit']

    monkeypatch.setattr(toy.ToyClips, '__init__', with_texts)
    runner = make_runner(model={'type': 'ToyReader'}, train_cfg=epochs(1))
    runner.train()
    assert runner.model.texts == ['walk', 'sit']


def test_captions_of_several_sources_index_one_table():
    class Source:
        def __init__(self, *texts, parts=()):
            self.metainfo = {'texts': list(texts)}
            if parts:
                self.datasets = parts

    assert _texts_of(Source(parts=[Source(), Source('walk', 'sit'), Source('walk', 'sit')])) == ['walk', 'sit']
    assert _texts_of(Source(parts=[Source(), Source(parts=[Source('walk')])])) == ['walk']
    with pytest.raises(InputError, match='different tables of texts'):
        _texts_of(Source(parts=[Source('walk'), Source(parts=[Source('sit')])]))

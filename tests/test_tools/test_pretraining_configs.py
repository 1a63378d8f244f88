"""The configs of pretraining on toy files, cut down; what they leave starts the fine-tuning config."""

import shutil

import numpy as np
import pytest
import torch
from toy_reader import write_bert

from poselifter.checkpoints import load_checkpoint_file
from poselifter.skeletons import get_skeleton


@pytest.fixture
def files(toy_root, tmp_path, monkeypatch):
    """Configs find the toy files of all sources; runs go to ``tmp_path``."""
    monkeypatch.setenv('POSELIFTER_DATA', str(toy_root))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def train(runs, files):
    """Trains a config in a work folder of its own; returns the last checkpoint's weights and its file."""

    def run(name, options, *flags, epochs=1, validate=False):
        given = {'train_cfg.max_epochs': epochs, 'log_level': 'WARNING', 'train_dataloader.num_workers': 0, **options}
        given |= {'train_dataloader.persistent_workers': False, 'default_hooks.checkpoint.max_keep_ckpts': 1}
        flags += () if validate else ('--no-validate',)
        path = runs.train(name, given, *flags, name=f'run/{name}') / f'epoch_{epochs}.pth'
        return load_checkpoint_file(path)['state_dict'], path

    return run


def small(**sizes):
    return {f'model.backbone.{key}': value for key, value in {'num_frames': 9, **sizes}.items()}


TINY = small(embed_dims=16, depth=1)
REP = {**TINY, 'model.backbone.rep_dims': 16}
STAND = {'optim_wrapper.optimizer.lr': 0}  # nothing moves: what is left is what it started from
LENGTH = 'train_dataloader.dataset.window.length'
CLIPS = {LENGTH: 9, 'train_dataloader.batch_size': 4}
MOTION3D = {**CLIPS, 'train_dataloader.dataset.window.stride': 9, 'train_dataloader.dataset.min_frames': 9}
VIDEOS = {**CLIPS, 'total_batch_size': 256, 'train_dataloader.dataset.subjects': 'S1,S5'}
PEOPLE = {**CLIPS, 'total_batch_size': 256}
# of the clips' own lengths: 30, 81 and 243 frames
SOURCES = {'train_dataloader.batch_sampler.first_epochs': '[1,1,0]', 'train_dataloader.batch_size': 4}
STAGE1 = {**TINY, 'model.backbone.feedforward_dims': 24, 'model.head.feedforward_dims': 24, 'model.head.depth': 1}
STAGE2 = {**TINY, 'model.backbone.feedforward_dims': 24, 'model.neck.feedforward_dims': 24}
CONTEXT = {**REP, 'model.top_layers': 1}
BOTH = {'train_dataloader.dataset.datasets.0.window.length': 9, 'train_dataloader.dataset.datasets.0.min_frames': 9}
BOTH |= {'train_dataloader.dataset.datasets.0.window.stride': 9, 'train_dataloader.batch_size': 8}
BOTH |= {key.replace('sets.0', 'sets.1'): value for key, value in BOTH.items() if 'stride' not in key}
LONG = {**REP, 'model.backbone.num_frames': 243}
TCN = small(embed_dims=16, filter_widths='3,3')
POSEFORMER = small(joint_dims=8, depth=1, num_frames=243)
CASES = {  # pretraining config: (its options, fine-tuning config, its options)
    'motionbert/pretrain_amass_h36m_243': (LONG | SOURCES, 'motionbert/h36m_243', LONG | MOTION3D),
    'motionbert/pretrain_amass_h36m_lite_243': (LONG | SOURCES, 'motionbert/h36m_global_lite_243', LONG | MOTION3D),
    'motionbert/pretrain_tcn_amass_h36m_243': (TCN | SOURCES, 'motionbert/tcn_h36m_243', TCN | MOTION3D),
    'motionbert/pretrain_poseformer_amass_h36m_243': (
        *(POSEFORMER | SOURCES, 'motionbert/poseformer_h36m_243', POSEFORMER | MOTION3D),
    ),
    'pstmo/pretrain_h36m_243': (STAGE1 | VIDEOS, 'pstmo/h36m_243', STAGE2 | VIDEOS),
    'pstmo/pretrain_h36m_gt_s_243': (STAGE1 | VIDEOS, 'pstmo/h36m_gt_s_243', STAGE2 | VIDEOS),
    'pstmo/pretrain_mpi_inf_3dhp_s_81': (STAGE1 | PEOPLE, 'pstmo/mpi_inf_3dhp_s_81', STAGE2 | PEOPLE),
    'motion2vec/pretrain_h36m_243': (CONTEXT | MOTION3D, 'motion2vec/h36m_243', REP | MOTION3D),
    'motion2vec/pretrain_h36m_released_243': (CONTEXT | BOTH, 'motion2vec/h36m_243', REP | MOTION3D),
    'motion2vec/pretrain_mpi_inf_3dhp_81': (
        *(CONTEXT | CLIPS, 'motion2vec/mpi_inf_3dhp_81'),
        REP | CLIPS | {'train_dataloader.dataset.window.stride': 27},
    ),
}


def is_learnt(key):
    """A weight of the encoder, which moves only with the optimiser."""
    return key.startswith('backbone.') and 'running_' not in key and 'num_batches' not in key


@pytest.fixture(scope='module')
def kept():
    """MotionBERT's pretraining, from which three tests go on: trained by the first of them."""
    return {}


@pytest.fixture
def pretrain(train, kept, tmp_path_factory):
    """Pretrains as CASES says; MotionBERT's is validated too."""

    def run(name):
        options, first = CASES[name][0], name == next(iter(CASES))
        if not first:  # the second epoch brings the sources without 3D
            return train(name, options, epochs=2 if SOURCES.items() <= options.items() else 1)
        if not kept:
            more = {'val_dataloader.num_workers': 0, 'val_dataloader.persistent_workers': False}
            learnt, file = train(name, {**options, **more}, epochs=2, validate=True)
            folder = shutil.copytree(file.parent, tmp_path_factory.mktemp('kept') / 'run')
            kept[name] = learnt, folder / file.name
        return kept[name]

    return run


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_pretraining_and_what_starts_from_it(pretrain, train, name):
    _, tuning, more = CASES[name]
    learnt, file = pretrain(name)
    assert all(value.isfinite().all() for value in learnt.values())
    tuned, _ = train(tuning, {**more, **STAND, 'load_from': file})
    encoder = [key for key in learnt if is_learnt(key)]
    assert encoder and all(torch.equal(learnt[key], tuned[key]) for key in encoder)
    if name in ('motionbert/pretrain_tcn_amass_h36m_243', 'pstmo/pretrain_h36m_243'):  # for STAND's sake
        again, _ = train(tuning, {**more, 'load_from': file})
        assert not all(torch.equal(learnt[key], again[key]) for key in encoder)


@pytest.mark.slow
def test_pretraining_is_validated_by_lifting(pretrain):
    """Detected 2D of the test subjects, as in the released program; the best checkpoint is kept."""
    _, file = pretrain('motionbert/pretrain_amass_h36m_243')
    assert list(file.parent.glob('best_motionbert_MPJPE_epoch_*.pth'))


@pytest.fixture
def bert(tmp_path):
    return write_bert(tmp_path / 'bert')


@pytest.mark.slow
def test_from_motionbert_to_actionpose_to_other_joints(pretrain, train, bert):
    """Pretrained weights of MotionBERT, ActionPose's pretraining, and fine-tuning on Human3.6M and on MPI-INF-3DHP."""
    start, file = pretrain('motionbert/pretrain_amass_h36m_243')
    sizes = {**LONG, 'model.backbone.align_layer': 1}
    text = {'model.text_encoder.pretrained': bert, 'load_from': file, 'train_dataloader.batch_size': 4}
    text |= {f'train_dataloader.dataset.pipeline.{step}.length': 9 for step in (0, 4)}  # RandomWindow and EdgePad
    stood, _ = train('actionpose/pretrain_babel_243', {**sizes, **text, **STAND})
    shared = [key for key in start if key in stood]
    assert set(start) == set(shared) and all(torch.equal(start[key], stood[key]) for key in shared)
    learnt, file = train('actionpose/pretrain_babel_243', {**sizes, **text})
    for part in ('backbone', 'text_encoder', 'text_head'):
        moved = [not torch.equal(learnt[key], stood[key]) for key in learnt if key.startswith(part)]
        assert any(moved), part
    tuned, _ = train('actionpose/h36m_243', {**sizes, **MOTION3D, **STAND, 'load_from': file})
    assert set(tuned) <= set(learnt) and all(torch.equal(learnt[key], tuned[key]) for key in tuned)
    stride = {'train_dataloader.dataset.window.stride': 27}
    other, _ = train('actionpose/mpi_inf_3dhp_81', {**sizes, **CLIPS, **stride, **STAND, 'load_from': file})
    check_rows(learnt, other, 'h36m17', 'mpi_inf_3dhp17', 15)
    assert all(
        torch.equal(learnt[k], other[k]) for k in tuned if is_learnt(k) and 'joint_' not in k and 'class' not in k
    )


def check_rows(source, target, old, new, count):
    """The embedding of each joint is that of its namesake."""
    old, new = get_skeleton(old).joint_names, get_skeleton(new).joint_names
    rows = [
        torch.equal(target[KEY][0, new.index(name)], source[KEY][0, old.index(name)]) for name in new if name in old
    ]
    assert target[KEY].shape[1] == len(new) and rows == [True] * count


KEY = 'backbone.joint_embedding.weight'


OTHERS = {
    'motionbert/h36m_gt_243': {**REP, **MOTION3D, 'load_from': None},
    'mixste/mpi_inf_3dhp_27': {**TINY, **CLIPS},
    'mixste/mpi_inf_3dhp_1': TINY | CLIPS | dict.fromkeys(('model.backbone.num_frames', LENGTH), 1),
    'mixste/humaneva_43': {**TINY, **CLIPS},
    'videopose3d/humaneva_27': {**CLIPS, 'model.backbone.embed_dims': 16, 'model.backbone.filter_widths': '3,3'},
    'poseformer/mpi_inf_3dhp_9': {**CLIPS, 'model.backbone.joint_dims': 8, 'model.backbone.depth': 1},
}


@pytest.mark.slow
@pytest.mark.parametrize('name', OTHERS)
def test_the_other_new_configs_train_and_test(train, runs, name):
    """What they test is scored as their paper does; the last checkpoint is tested on all test sequences."""
    options = {**OTHERS[name], 'train_dataloader.batch_size': 256}
    _, path = train(name, options)
    given = {key: value for key, value in options.items() if key.startswith('model')}
    given |= {'test_dataloader.dataset.min_frames': 9} if 'motionbert' in name else {}
    metrics = runs.test(name, path, given | runs.loaders('test'))
    protocol = next(p for p in ('humaneva', 'mpi_inf_3dhp', 'motionbert') if p in name)
    assert 30 < metrics[f'{protocol}/MPJPE'] < 20000 and np.isfinite(metrics['MPJPE'])
    if protocol == 'humaneva':
        assert metrics.keys() >= {'humaneva/MPJPE/Walking S1', 'humaneva/MPJPE/Jog S2'}

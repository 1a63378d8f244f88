"""Containers of published checkpoints, and what is wrong with a file."""

import argparse
import collections
import os
import pickle
import re

import numpy as np
import pytest
import torch
from official_layout import KINDS, Case
from safetensors.torch import save_file

from poselifter.apis import load_official
from poselifter.checkpoints import (
    SYSTEMS,
    convert_official,
    export_official,
    load_checkpoint_file,
    load_weights,
    read_official,
    save_checkpoint_file,
)
from poselifter.checkpoints.system import Shapes
from poselifter.errors import InputError
from poselifter.models import Lifter, create_model
from poselifter.registry import MODELS

TASKS = {task for system in SYSTEMS.values() for kind in system.kinds.values() for task in kind.tasks}
TINY = {'num_frames': 3, 'embed_dims': 8, 'depth': 2, 'num_heads': 2}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model('mixste', **TINY).eval()


@pytest.fixture
def state(model):
    """The tiny model's tensors as MixSTE's authors lay them out."""
    return export_official(model.state_dict(), 'mixste')[0]


@pytest.mark.parametrize(('keywords', 'reason'), [
    *(
        ({'num_heads': value}, f'{value} heads do not divide; change num_heads')
        for value in (0, -1, 3, 'four', 2.5)
    ),
    ({'num_heads': 2, 'qk_scale': 'x'}, 'could not convert'),
    ({'num_heads': 2, 'drop_rate': 'x'}, 'not supported between'),
])  # fmt: skip
def test_keywords_that_no_shape_tells(state, tmp_path, keywords, reason):
    torch.save({'model_pos': state}, tmp_path / 'official.bin')
    with pytest.raises(InputError, match=f'no network can be built of .*{reason}'):
        load_official(tmp_path / 'official.bin', **keywords)


def test_quantised_weights_are_refused(state, tmp_path):
    torch.save({'model_pos': {key: value.to(torch.int8) for key, value in state.items()}}, tmp_path / 'official.bin')
    with pytest.raises(InputError, match=r'is of torch\.int8, expected torch\.float32'):
        load_official(tmp_path / 'official.bin', num_heads=2)


@pytest.fixture
def check(model, tmp_path):
    """Saves what a file shall hold and holds the module that comes of it against the model."""
    x = torch.randn(1, 3, 17, 2)

    def run(content, name='official.bin', **options):
        torch.save(content, tmp_path / name, **options)
        assert torch.equal(load_official(tmp_path / name, num_heads=2)(x), model(x))
        # the same file is a checkpoint of our own model
        ours, expected = load_checkpoint_file(tmp_path / name)['state_dict'], model.state_dict()
        assert ours.keys() == expected.keys() and all(torch.equal(ours[key], expected[key]) for key in ours)

    return run


class Thing:
    """Some program's class; making one again would tell."""

    made = 0

    def __init__(self):
        self.tensor = torch.zeros(1)

    def __setstate__(self, state):
        type(self).made += 1


class Evil:
    """Unpickled, it would make a folder by one of several ways."""

    def __init__(self, path, function):
        self.path, self.function = str(path), function

    def __reduce__(self):
        return self.function, (self.path,)


def prefixed(state):
    return {f'module.{key}': value for key, value in state.items()}


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'older torch'])
def test_containers(check, state, legacy):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
    extras = {'epoch': 3, 'lr': [1e-4, 1e-3], 'optimizer': optimizer.state_dict(), 'best_acc': torch.tensor(0.5)}
    extras.update(model_traj=None, random_state_semi=None, wandb_id='x')
    options = {'_use_new_zipfile_serialization': not legacy}
    for content in (
        state,
        prefixed(state),
        {'model_pos': state},
        {'model': prefixed(state), **extras},
        {**extras, 'model_pos': collections.OrderedDict(prefixed(state))},
        {'state_dict': state, 'meta': {'epoch': 1}},
        {**extras, 'model': None, 'model_pos': prefixed(state)},
    ):
        check(content, **options)


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'older torch'])
def test_objects_of_other_programs_beside_the_tensors_are_left_out(check, state, legacy):
    others = [
        np.float64(3.5),
        np.float32(3.5),
        np.arange(3),
        np.random.RandomState(1),
        np.random.default_rng(1),
        argparse.Namespace(lr=1, nested=argparse.Namespace(x=np.float64(1))),
        Thing(),
        [Thing(), {'a': Thing()}],
        re.compile('x'),
        slice(1, 2),
    ]
    for first in (True, False):
        parts = [(f'other {i}', other) for i, other in enumerate(others)]
        parts.insert(0 if first else len(others), ('model_pos', prefixed(state)))
        check(dict(parts), _use_new_zipfile_serialization=not legacy)
    assert Thing.made == 0


def test_numpy_of_version_1_by_the_published_files_themselves():
    for name, key in (
        ('motionbert/dstformer_pose', b'numpy.core.multiarray'),
        ('mixste/pose_small', b'__randomstate_ctor'),
        ('motion2vec/pretrain_step', b'numpy.core.multiarray'),
        ('videopose3d/temporal_27', b'__randomstate_ctor'),
    ):
        case = Case(name)
        assert key in case.file.read_bytes()
        with pytest.raises(pickle.UnpicklingError):
            torch.load(case.file, weights_only=True)
        assert load_checkpoint_file(case.file)['state_dict']


def test_safetensors_with_the_originals_names(model, state, tmp_path):
    save_file(state, tmp_path / 'official.safetensors')
    x = torch.randn(1, 3, 17, 2)
    assert torch.equal(load_official(tmp_path / 'official.safetensors', num_heads=2)(x), model(x))
    load_weights(model, tmp_path / 'official.safetensors')


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'older torch'])
@pytest.mark.parametrize('function', [os.mkdir, os.makedirs, eval, exec, Thing, print, getattr])
def test_nothing_is_executed(state, tmp_path, function, legacy):
    trace = tmp_path / 'was here'
    argument = f"__import__('os').mkdir({str(trace)!r})" if function in (eval, exec) else trace
    for content in (
        {'a': Evil(argument, function), 'model_pos': state},
        {'model_pos': {**state, 'x': Evil(argument, function)}},
    ):
        torch.save(content, tmp_path / 'evil.bin', _use_new_zipfile_serialization=not legacy)
        for load in (load_official, load_checkpoint_file):
            try:
                load(tmp_path / 'evil.bin', **({'num_heads': 2} if load is load_official else {}))
            except InputError as error:
                assert 'evil.bin holds' in str(error) and '\n' not in str(error)
            else:
                assert 'a' in content  # beside the tensors
    assert not trace.exists() and Thing.made == 0


def test_files_that_are_no_published_checkpoints(state, model, tmp_path):
    path = tmp_path / 'file.bin'

    def fails(match, content=None, **keywords):
        if content is not None:
            path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(InputError, match=match) as error:
            load_official(path, **keywords)
        assert '\n' not in str(error.value)

    fails('no checkpoint')
    fails('is not a checkpoint', pickle.dumps({'model_pos': [1, 2]}))
    fails('holds no state dict', [1, 2])
    fails('holds no state dict', {'model_pos': {'a': 3}})
    fails('holds no state dict', {0: torch.ones(1)})
    fails('holds no state dict', {})
    fails(
        r"no tensors of a known system \(.*the first are \['conv1\.weight'\]",
        {'model': {'conv1.weight': torch.ones(1)}},
    )
    torch.save({'model_pos': state}, path, _use_new_zipfile_serialization=False)
    fails('is not a checkpoint', path.read_bytes()[:900])
    save_checkpoint_file({'state_dict': model.state_dict(), 'meta': {'cfg': ''}}, path)
    fails('no tensors of a known system')


def test_whose_file_it_is(state, tmp_path):
    path = tmp_path / 'official.bin'
    torch.save({'model_pos': state}, path)
    with pytest.raises(InputError, match='is a checkpoint of mixste, not of poseformer'):
        load_official(path, system='poseformer', num_heads=2)
    with pytest.raises(InputError, match=r"unknown system 'mixst', expected one of motionbert, pstmo, mixste, "):
        load_official(path, system='mixst', num_heads=2)
    with pytest.raises(InputError, match="unknown system 'mixst'"):
        export_official({}, 'mixst')
    with pytest.raises(InputError, match=r"no files of the kind 'action', expected one of \['pose'\]"):
        export_official({}, 'mixste', 'action')
    with pytest.raises(InputError, match="a pose file of mixste cannot serve 'lifting'; expected one of pose, rep"):
        load_official(path, task='lifting', num_heads=2)
    assert load_official(path, 'mixste', 'pose', num_heads=2).task == 'pose'


@pytest.mark.parametrize('name', KINDS)
def test_tasks_that_a_file_cannot_serve(name):
    official = read_official(Case(name).file)
    served = set(official.layout.tasks) - ({'trajectory'} if name == 'videopose3d/temporal_27' else set())
    for task in sorted(TASKS - served):
        with pytest.raises(InputError, match=f'cannot serve {task!r}; expected one of'):
            official.for_task(task)


def test_everything_that_does_not_fit_is_listed_at_once(state, tmp_path):
    path = tmp_path / 'official.bin'
    del state['TTEblocks.1.mlp.fc2.bias'], state['head.0.weight']
    state['STEblocks.0.attn.proj.weight'] = torch.zeros(8, 9)
    state.update({'STEblocks.0.extra.weight': torch.ones(1), 'classifier.bias': torch.ones(1)})
    torch.save({'model_pos': prefixed(state)}, path)
    with pytest.raises(InputError) as error:
        load_official(path, num_heads=2)
    for part in (
        '2 missing: TTEblocks.1.mlp.fc2.bias, head.0.weight',
        '2 unexpected: STEblocks.0.extra.weight, classifier.bias',
        '1 of another shape: STEblocks.0.attn.proj.weight (8, 9) instead of (8, 8)',
    ):
        assert part in str(error.value)
    with pytest.raises(InputError, match=r'official\.bin: 1 unexpected in a pose file of mixste: classifier\.bias'):
        load_checkpoint_file(path)


@pytest.mark.parametrize('name', KINDS)
def test_a_tensor_missing_renamed_or_mis_shaped_is_named(name):
    """Tensors that sizes, kinds and systems are read from, and one of each form, by their shapes alone."""
    case = Case(name)
    official = read_official(case.file)
    system, rows = SYSTEMS[case.system], official.layout.names.rows
    shapes = Shapes(official.tensors, case.constructor, official.read)
    given = system.resolve(official.kind, shapes, case.constructor)  # so that no shape is of another size

    def fit(state):
        official = convert_official(state, strict=False)
        config = official.network(given)
        with torch.device('meta'):
            network = MODELS.build(config) if 'type' in config else Lifter(**config)
        official.check(network, 'the file')

    state = {key: value.to('meta') for key, value in official.tensors.items()}
    fit(state)
    # without its only signature key a file would be of another kind
    keys = {*official.read, *official.layout.signature_keys[1:], *system.signature_keys} & state.keys()
    keys |= {next(key for key in state if row.match(key, 'theirs')) for row in rows if row.form in ('conv', '1/3')}
    for key in sorted(keys):
        rest, value = dict(state), state[key]
        del rest[key]
        wrong = [torch.cat([value, value.narrow(axis, 0, 1)], axis) for axis in range(value.ndim)]
        wrong += [value.flatten()[0], *([value.squeeze(-1)] if value.shape[-1:] == (1,) else [])]
        for change in ({}, {f'other.{key}': value}, *({key: tensor} for tensor in wrong)):
            with pytest.raises(InputError) as error:
                fit({**rest, **change})
            assert {key, *change} <= set(re.split(r'[ ,;:()]+', str(error.value))), (key, change)


def test_joints_that_the_graph_does_not_have():
    state = read_official(Case('motionagformer/pose_knn').file).tensors
    with pytest.raises(InputError, match='the graph has 17 joints, pos_embed 16'):
        convert_official({**state, 'pos_embed': state['pos_embed'][:, :16]}).network({}, guess=True)

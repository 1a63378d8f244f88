"""Containers of published checkpoints, and what is wrong with a file."""

import argparse
import collections
import os
import pickle
import re

import numpy as np
import pytest
import torch
from official_layout import Case
from safetensors.torch import save_file

from poselifter.apis import load_official
from poselifter.checkpoints import (
    SYSTEMS,
    convert_official,
    export_official,
    load_checkpoint_file,
    load_weights,
    network_of,
    save_checkpoint_file,
)
from poselifter.errors import InputError
from poselifter.models import create_model

TINY = {'num_frames': 3, 'embed_dims': 8, 'depth': 2, 'num_heads': 2}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model('mixste', **TINY).eval()


@pytest.fixture
def state(model):
    """The tiny model's tensors as MixSTE's authors lay them out."""
    return export_official(model.state_dict(), 'mixste')[0]


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


def test_numpy_of_version_1_by_the_published_files_themselves(shared):
    for name, key in (
        ('motionbert/dstformer_pose', b'numpy.core.multiarray'),
        ('mixste/pose_small', b'__randomstate_ctor'),
        ('motion2vec/pretrain_step', b'numpy.core.multiarray'),
        ('videopose3d/temporal_27', b'__randomstate_ctor'),
    ):
        case = Case(shared / 'fixtures' / 'parity' / name)
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
    fails('is empty', b'')
    fails('is not a checkpoint', b'hello')
    fails('is not a checkpoint', pickle.dumps({'model_pos': [1, 2]}))
    fails('holds no state dict', [1, 2])
    fails('holds no state dict', {'model_pos': {'a': 3}})
    fails('holds no state dict', {0: torch.ones(1)})
    fails('holds no state dict', {})
    fails(
        r"no tensors of a known system \(.*the first are \['conv1\.weight'\]",
        {'model': {'conv1.weight': torch.ones(1)}},
    )
    torch.save({'model_pos': state}, path)
    whole = path.read_bytes()
    fails('is cut off or damaged', whole[: len(whole) // 2])
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
    for task in ('action', 'mesh', 'trajectory', 'pretrain', 'lifting'):
        with pytest.raises(InputError, match=f"a pose file of mixste cannot serve '{task}'; expected one of pose, rep"):
            load_official(path, task=task, num_heads=2)
    assert load_official(path, 'mixste', 'pose', num_heads=2).task == 'pose'


@pytest.mark.parametrize(
    ('name', 'refused'),
    [
        ('motionbert/action_net', ('embedding', 'mesh', 'trajectory', 'pretrain', 'refine')),
        ('motionbert/mesh_regressor', ('action', 'embedding')),
        ('pstmo/refine', ('pose', 'pretrain', 'representation')),
        ('pstmo/stage1_masked_27', ('pose', 'refine')),
        ('motion2vec/pretrain_step', ('pose', 'action')),
        ('videopose3d/temporal_27', ('trajectory', 'action')),
    ],
)
def test_tasks_that_a_file_cannot_serve(shared, name, refused):
    case = Case(shared / 'fixtures' / 'parity' / name)
    for task in refused:
        with pytest.raises(InputError, match=f'cannot serve {task!r}'):
            load_official(case.file, task=task, **case.constructor)


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


# a tensor of each kind and each form, and those that sizes, options, kinds and systems are read from
TENSORS = {
    'mixste/pose_depth1': (
        'Spatial_pos_embed',
        'STEblocks.0.attn.qkv.weight',
        'TTEblocks.0.attn.qkv.bias',
        'head.1.bias',
    ),
    'poseformer/pose_small': ('weighted_mean.weight', 'Spatial_blocks.0.attn.qkv.weight', 'blocks.0.mlp.fc1.weight'),
    'motionbert/dstformer_pose': ('temp_embed', 'blocks_st.0.attn_s.qkv.weight', 'ts_attn.0.weight', 'head.weight'),
    'motionbert/action_net': ('head.bn.weight', 'head.fc1.weight', 'head.fc2.weight', 'backbone.head.weight'),
    'motionbert/mesh_regressor': ('head.head_pose.weight', 'head.init_pose', 'head.bn2.running_var'),
    'motionagformer/pose_knn': (
        'layers.0.att_spatial.layer_scale_1',
        'layers.1.graph_temporal.mixer.batch_norm.weight',
    ),
    'motionagformer/pose_plain': ('layers.0.graph_spatial.U.weight', 'layers.0.graph_temporal.batch_norm.weight'),
    'motionagformer/pose_tcn': ('layers.0.graph_temporal.mixer.branches.0.0.weight', 'layers.0.fusion.weight'),
    'motion2vec/action_embed': ('head.fc1.weight', 'backbone.rep_logit.fc.bias'),
    'pstmo/stage2_small_27': (
        *(
            'Transformer.model.layers.0.self_attn.linears.1.weight',
            'Transformer.model.layers.2.self_attn.linears.2.bias',
        ),
        *('encoder.fc_1.weight', 'encoder.bn_1.weight', 'Transformer_reduce.model.layers.0.feed_forward.w_2.weight'),
        *('fcn.1.weight', 'Transformer.model.norm.a_2', 'Transformer_reduce.model.pos_embedding_2'),
    ),
    'pstmo/stage1_masked_27': ('mask_token', 'spatial_mask_token', 'encoder_to_decoder.weight', 'fcn_dec.1.weight'),
    'pstmo/refine': ('post_refine.0.weight', 'post_refine.3.bias'),
    'videopose3d/temporal_27': ('expand_conv.weight', 'layers_conv.1.weight', 'layers_conv.2.weight', 'shrink.weight'),
}


@pytest.mark.parametrize(('name', 'key'), [(name, key) for name in TENSORS for key in TENSORS[name]])
def test_a_tensor_missing_renamed_or_mis_shaped_is_named(shared, tmp_path, name, key):
    case = Case(shared / 'fixtures' / 'parity' / name)
    content = case.tensors()
    container = next((c for c in ('model_pos', 'model') if c in content), None)
    state = dict(content[container] if container else content)
    prefix = SYSTEMS[name.split('/')[0]].prefix
    value = state.pop(prefix + key)
    wrong = [torch.cat([value, value.narrow(axis, 0, 1)], axis) for axis in range(value.ndim)]
    changes = [{}, {f'{prefix}other.{key}': value}, *({prefix + key: v} for v in (*wrong, value.flatten()[0]))]
    if key.endswith('fc_1.weight'):
        changes.append({prefix + key: value.squeeze(-1)})  # ours would do, the original's loader refuses it
    for change in changes:
        changed = {**state, **change}
        torch.save({container: changed} if container else changed, tmp_path / 'official.bin')
        with pytest.raises(InputError) as error:
            load_official(tmp_path / 'official.bin', **case.constructor)
        assert {key, *(name.removeprefix(prefix) for name in change)} <= set(re.split(r'[ ,;:]+', str(error.value)))


def test_joints_that_the_graph_does_not_have(shared):
    case = Case(shared / 'fixtures' / 'parity' / 'motionagformer/pose_knn')
    state = {key.removeprefix('module.'): value for key, value in case.tensors('model').items()}
    state['pos_embed'] = state['pos_embed'][:, :16]
    with pytest.raises(InputError, match='the graph has 17 joints, pos_embed 16'):
        network_of(convert_official(state), state, {}, guess=True)

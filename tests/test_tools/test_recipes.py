"""All configs: they build, their recipes are the published ones, fine-tuning starts from what pretraining leaves."""

import inspect
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import poselifter
from poselifter.engine import load_config
from poselifter.engine.config import change_config
from poselifter.models.backbones.motionagformer import tree_edges
from poselifter.registry import DATASETS, MODELS, TRANSFORMS
from poselifter.skeletons import get_skeleton

FOLDER = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(path.relative_to(FOLDER).with_suffix('').as_posix() for path in FOLDER.glob('*/*.py'))
CONFIGS = [name for name in CONFIGS if not name.startswith('_base_')]
MAKERS = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}


class OnMeta(torch.overrides.TorchFunctionMode):
    """Weights have shapes and no numbers."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **{**(kwargs or {}), **({'device': 'meta'} if func in MAKERS else {})})


@cache
def read(name):
    """A config, 'pstmo/h36m_243', or a variant of it, 'pstmo/h36m_243:scratch'."""
    stem, _, variant = name.partition(':')
    return change_config(read(stem), variant=variant) if variant else load_config(FOLDER / f'{stem}.py')


@cache
def shapes(name):
    """Tensors of the config's model; without a body model, which is in no checkpoint, and with hashed text for BERT."""
    poselifter.register_all_modules()
    plain = name.partition(':')[0]
    if name != plain and read(name).model == read(plain).model:
        return shapes(plain)
    config = read(name).model.to_dict()
    for head in config.get('heads', {}).values():
        head.pop('body_model', None), head.pop('mean_params', None)
    if config.get('text_encoder', {}).get('type') == 'BertTextEncoder':
        config['text_encoder'] = {'type': 'HashedTextEncoder'}
    with OnMeta():
        model = MODELS.build(config)
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def name_of(path):
    return path.removeprefix('configs/').replace('.py --variant ', ':').removesuffix('.py')


@pytest.mark.parametrize('name', CONFIGS)
def test_builds(name):
    config = read(name)
    assert shapes(name)
    assert config.train_dataloader and config.optim_wrapper and config.train_cfg.max_epochs > 0
    assert config.get('codec') and len((FOLDER / f'{name}.py').read_text().splitlines()) < 80
    if name.split('/')[-1].startswith('pretrain_'):
        assert config.work_dir == f'work_dirs/{name}'


@pytest.mark.parametrize('name', CONFIGS)
def test_variants(name):
    for variant in read(name).get('variants') or ():
        check_variant(f'{name}:{variant}')


def check_variant(name):
    """From scratch: network and data of the variant `pretrained`, else of the config, and rates and epochs of its own;
    frozen: nothing else differs."""
    plain, config = read(name.partition(':')[0]), read(name)
    if name.endswith(':scratch') and 'pretrained' in plain.variants:
        plain = read(name.replace(':scratch', ':pretrained'))
    different = {key for key in {*plain, *config} if plain.get(key) != config.get(key)} - {'variants', 'work_dir'}
    if name.endswith(':frozen'):
        assert different == {'frozen_modules'} and config.frozen_modules == ['backbone']
    if name.endswith(':scratch'):
        assert not config.load_from and not config.pretrained_by
        assert different <= {'load_from', 'pretrained_by', 'train_cfg', 'optim_wrapper'}
    assert different and shapes(name) and plain.get('work_dir') != config.work_dir


def test_no_two_configs_differ_in_what_a_variant_can_say():
    """Of one system, by nothing but the weights that a run starts from and the parts that it freezes."""
    alike = {}
    for name in CONFIGS:
        contents = read(name).to_dict()
        for key in ('load_from', 'pretrained_by', 'frozen_modules', 'variants', 'work_dir'):
            contents.pop(key, None)
        alike.setdefault((name.split('/')[0], json.dumps(contents, sort_keys=True)), []).append(name)
    twins = [names for names in alike.values() if len(names) > 1]
    assert not twins


# what pretraining does not know, of the parts of the model; everything else of it starts from there
FRESH = {
    'MaskedPosePretrainer': {'heads', 'neck'},
    'ContextPretrainer': {'heads', 'backbone.representation'},
    'UnifiedMotionPretrainer': set(),
    'TextMotionPretrainer': set(),
    'MotionEstimator': set(),
}
# what differs on purpose: (of the backbone's config, tensors that are fresh or converted)
DIFFERENT = {
    'actionpose/pretrain_babel_243': ({'type', 'align_layer'}, {'backbone.class_token', 'text_encoder', 'text_head'}),
    'mixste/humaneva_43:finetune': ({'num_joints'}, {'backbone.joint_embedding'}),
}


@pytest.mark.parametrize('name', [*CONFIGS, 'mixste/humaneva_43:finetune'])
def test_fine_tuning_starts_from_what_pretraining_leaves(name):
    config = read(name)
    if not config.get('pretrained_by'):
        return  # here and not in the list of tests, for which each process would read all configs
    source = name_of(config.pretrained_by)
    before = read(source)
    assert config.load_from == f'{before.work_dir}/epoch_{before.train_cfg.max_epochs}.pth'
    assert name.startswith('mixste') or 'pretrain_' in name or 'scratch' in config.variants
    assert before.train_cfg.by_epoch and before.default_hooks.checkpoint.interval == 1
    keys, changed = DIFFERENT.get(name, (set(), set()))
    one, other = ({k: v for k, v in c.model.backbone.items() if k not in keys} for c in (before, config))
    assert one == other
    given, own = shapes(source), shapes(name)
    fresh = {key for key in own if given.get(key) != own[key]}
    expected = changed | FRESH[before.model.type]
    if 'pose' not in config.model.heads:
        expected = expected | {'heads'}
    elif 'heads' not in expected:  # several tasks: the pose head goes on, the others are new
        expected = expected | {f'heads.{head}' for head in config.model.heads if head not in before.model.heads}
    found = {next((part for part in expected if key.startswith(f'{part}.') or key == part), key) for key in fresh}
    assert found == expected
    if before.model.type in ('UnifiedMotionPretrainer', 'MaskedPosePretrainer', 'ContextPretrainer'):
        assert {key for key in given if key.startswith('backbone.')} <= set(own)


ADAM, ADAMW = 'Adam', 'AdamW'
# of a system: optimiser, rate, weight decay, clips a batch, epochs, factor of the rate after an epoch: its configs.
# Of MotionBERT's actions and meshes the rate is that of the head; the backbone's is a tenth.
RECIPES = [
    ('motionbert', (ADAMW, 5e-4, 0.01, 64, 90, 0.99), 'pretrain_amass_h36m_243 pretrain_amass_h36m_lite_243'),
    ('motionbert', (ADAMW, 2e-4, 0.01, 32, 120, 0.99), 'h36m_243:scratch h36m_gt_243:scratch'),
    ('motionbert', (ADAMW, 2e-4, 0.01, 32, 60, 0.99), 'h36m_243 h36m_243:frozen h36m_gt_243 h36m_global_243'),
    ('motionbert', (ADAMW, 5e-4, 0.01, 32, 60, 0.99), 'h36m_global_lite_243'),
    ('motionbert', (ADAMW, 1e-3, 0.01, 32, 300, 0.99), 'action_ntu60_xsub action_ntu60_xview'),
    ('motionbert', (ADAMW, 1e-4, 0.01, 32, 300, 0.99), 'action_ntu60_xsub:scratch'),
    ('motionbert', (ADAMW, 1e-3, 0.01, 32, 50, 0.99), 'oneshot_ntu120 oneshot_ntu120:scratch'),
    ('motionbert', (ADAMW, 5e-4, 0.01, 128, 60, 0.98), 'mesh_h36m mesh_pw3d mesh_refine_h36m mesh_refine_pw3d'),
    ('motionbert', (ADAMW, 1e-4, 0.01, 128, 100, 0.98), 'mesh_h36m:scratch'),
    ('motionbert', (ADAMW, 1e-4, 0.01, 128, 60, 0.98), 'mesh_pw3d:scratch'),
    ('pstmo', (ADAM, 1e-4, 0, 160, 80, 0.97),
     'pretrain_h36m_243 pretrain_h36m_s_243 pretrain_h36m_gt_s_243 pretrain_mpi_inf_3dhp_s_81'),
    ('pstmo', (ADAM, 1e-3, 0, 160, 80, 0.97), 'h36m_243 h36m_gt_s_243'),
    ('pstmo', (ADAM, 7e-4, 0, 160, 80, 0.97), 'h36m_s_243 mpi_inf_3dhp_s_81'),
    ('motion2vec', (ADAMW, 5e-4, 0.01, 4, 60, 0.99),
     'pretrain_h36m_243 pretrain_h36m_released_243 pretrain_h36m_large_243'),
    ('motion2vec', (ADAMW, 5e-4, 0.01, 8, 60, 0.99), 'h36m_243'),
    ('motion2vec', (ADAMW, 5e-4, 0.01, 16, 60, 0.99), 'h36m_large_243'),
    ('motion2vec', (ADAM, 5e-4, 0, 16, 90, 0.99), 'mpi_inf_3dhp_81 mpi_inf_3dhp_large_81'),
    ('motion2vec', (ADAMW, 1e-4, 0.01, 6, 60, 0.99), 'action_ntu60_xsub'),
    ('motion2vec', (ADAMW, 1e-4, 0.01, 8, 60, 0.99), 'action_ntu60_xview'),
    ('motionagformer', (ADAMW, 5e-4, 0.01, 16, 60, 0.99), 'h36m_243'),
    ('motionagformer', (ADAM, 5e-4, 0, 16, 90, 0.99), 'mpi_inf_3dhp_81'),
    ('actionpose', (ADAMW, 5e-4, 0.01, 16, 300, 0.99), 'pretrain_babel_243'),
    ('actionpose', (ADAMW, 2e-4, 0.01, 32, 60, 0.99), 'h36m_243'),
    ('actionpose', (ADAM, 5e-4, 0, 16, 90, 0.99), 'mpi_inf_3dhp_81'),
    ('mixste', (ADAMW, 4e-5, 0.1, 1024 // 243, 120, 0.99), 'h36m_243'),
    ('mixste', (ADAMW, 4e-5, 0.1, 1024 // 81, 120, 0.99), 'h36m_81'),
    ('mixste', (ADAMW, 4e-5, 0.1, 1024 // 43, 120, 0.99), 'h36m_gt_43 humaneva_43 humaneva_43:finetune'),
    ('mixste', (ADAMW, 4e-5, 0.1, 1024 // 27, 120, 0.99), 'mpi_inf_3dhp_27'),
    ('mixste', (ADAMW, 4e-5, 0.1, 1024, 120, 0.99), 'mpi_inf_3dhp_1'),
    ('videopose3d', (ADAM, 1e-3, 0, 1024, 80, 0.95), 'h36m_243'),
    ('videopose3d', (ADAM, 1e-3, 0, 128, 1000, 0.996), 'humaneva_27'),
    ('poseformer', (ADAMW, 1e-4, 0.1, 512, 200, 0.99), 'h36m_81'),
    ('poseformer', (ADAMW, 4e-4, 0.1, 512, 200, 0.99), 'mpi_inf_3dhp_9'),
]  # fmt: skip
RECIPES = {f'{system}/{name}': recipe for system, recipe, names in RECIPES for name in names.split()}


@pytest.mark.parametrize('name', RECIPES)
def test_recipe(name):
    config = read(name)
    optimizer, schedule = config.optim_wrapper.optimizer, config.param_scheduler
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    batch = config.train_dataloader.batch_size
    found = (optimizer.type, optimizer.lr, optimizer.get('weight_decay', 0), batch, config.train_cfg.max_epochs)
    assert (*found, schedule.gamma) == RECIPES[name] and schedule.type == 'ExponentialLR' and schedule.by_epoch
    assert optimizer.get('amsgrad', False) == (optimizer.type == ADAM)
    assert config.auto_scale_lr.base_batch_size == batch
    if name.startswith('pstmo'):
        assert config.total_batch_size == 160


def masks(name):
    """The masks of a pretraining config by type, with their numbers."""
    steps = [dict(step) for step in read(name).train_dataloader.dataset.pipeline]
    return {step.pop('type'): step for step in steps if 'Mask' in step['type'] or step['type'][:4] in ('Fram', 'Join')}


@pytest.mark.parametrize(('config', 'rate', 'joints', 'layers', 'dilation'), [
    ('h36m_243', 0.6, 3, (4, 3), 2), ('h36m_s_243', 0.8, 2, (3, 2), 2), ('h36m_gt_s_243', 0.8, 7, (3, 2), 2),
    ('mpi_inf_3dhp_s_81', 0.7, 2, (3, 2), 1),
])  # fmt: skip
def test_stage_one_of_pstmo(config, rate, joints, layers, dilation):
    pretraining, tuning = read(f'pstmo/pretrain_{config}'), read(f'pstmo/{config}')
    assert masks(f'pstmo/pretrain_{config}') == {'FrameRemoval': {'rate': rate}, 'JointReplacement': {'count': joints}}
    assert (pretraining.model.backbone.depth, pretraining.model.head.depth) == layers
    for part in (pretraining, tuning):
        window = part.train_dataloader.dataset.window
        assert (window.get('dilation', 1), window.outputs, window.stride) == (dilation, 1, 1)
        assert part.train_dataloader.dataset.mirrored_copies
    assert tuning.model.test_cfg.window.get('dilation', 1) == dilation
    files = [loader.dataset.get('keypoint_file') for loader in (pretraining.train_dataloader, tuning.test_dataloader)]
    assert files[0] == files[1] and ('gt' in str(files[0])) == ('gt' in config)


def test_methods_of_motion2vec():
    paper, released = (read(f'motion2vec/pretrain_h36m_{kind}243') for kind in ('', 'released_'))
    assert masks('motion2vec/pretrain_h36m_243') == {'FrameRemoval': {'rate': 0.7, 'copies': 3}}
    defaults = inspect.signature(MODELS.get('ContextPretrainer')).parameters
    names = ('top_layers', 'norm_targets', 'filler', 'decay')
    found = {key: paper.model.get(key, defaults[key].default) for key in names}
    assert tuple(found.values()) == (8, 'both', 'learned', (0.999, 0.9999))
    assert (released.model.top_layers, released.model.norm_targets, released.model.decay) == (6, 'none', (1, 1))
    clips = released.train_dataloader.dataset.datasets
    assert [part.split for part in clips] == ['train', 'test'] and paper.train_dataloader.dataset.split == 'train'
    flips = [[step.type for step in part.pipeline].count('FlipPose') for part in clips]
    spans = [[step for step in part.pipeline if step.type == 'SpanMask'] for part in clips]
    assert flips == [1, 0] and all(s == [{'type': 'SpanMask', 'prob': 0.6, 'length': 5, 'copies': 3}] for s in spans)


def test_curriculum_of_motionbert():
    config = read('motionbert/pretrain_amass_h36m_243')
    assert config.train_dataloader.batch_sampler.first_epochs == (30, 30, 0)
    track, variety, lifted = config.train_dataloader.dataset.datasets
    assert track.window == {'length': 30} and (variety.window.length, variety.window.stride) == (81, 27)
    parts = {'track': track, 'variety': variety, **dict(zip(('amass', 'h36m'), lifted.datasets, strict=True))}
    for name, part in parts.items():
        steps = [step.type for step in part.pipeline]
        last = ['FittedNoise'] * (name != 'variety') + ['JointMask', 'FrameMask', 'PackPose']
        assert steps[-len(last) :] == last and ('FittedNoise' in steps) == (name != 'variety')
        assert ('TargetFrom2D' in steps) == ('CropScale' in steps) == (name in ('track', 'variety'))
        assert [step.prob for step in part.pipeline if 'Mask' in step.type] == [0.05, 0.1]
        if name in ('amass', 'h36m'):
            assert (part.window.length, part.window.stride) == (243, 81)
            assert next(step for step in part.pipeline if step.type == 'Encode').codec.gt_2d
    weights = [loss.get('loss_weight', 1) for loss in config.model.heads.pose.losses]
    assert weights == [1, 0.5, 20]


def test_short_recordings_of_amass_are_stretched(toy_root):
    """As released: a recording of 40 frames gives a clip of 243."""
    poselifter.register_all_modules()
    source = read('motionbert/pretrain_amass_h36m_243').train_dataloader.dataset.datasets[2].datasets[0]
    dataset = DATASETS.build({**source, 'data_root': str(toy_root / 'amass_30'), 'pipeline': []})
    recordings = 2 * len(list((toy_root / 'amass_30').iterdir()))
    assert len(dataset) == recordings and dataset[0]['world_keypoints'].shape == (243, 17, 3)


STRATEGIES = {'lifting': [], 'noise': ['FittedNoise'], 'mask': ['FittedNoise', 'JointMask', 'FrameMask']}


def test_strategies_and_ratios_of_motionbert_s_pretraining():
    """Tables 5: 3D data alone, corrupted in more and more ways; figure 7: all data, frames to joints 2 to 1."""
    name = 'motionbert/pretrain_amass_h36m_243'
    for strategy, added in STRATEGIES.items():
        loader = read(f'{name}:table5_{strategy}').train_dataloader
        assert loader.batch_sampler is None
        assert [part.type for part in loader.dataset.datasets] == ['AMASSDataset', 'Human36mMotionBERTDataset']
        for part in loader.dataset.datasets:
            steps = [step.type for step in part.pipeline if step.type != 'VirtualCamera']
            assert steps == ['Encode', 'FlipPose', *added, 'PackPose']
    for percent in (0, 30, 45, 60, 75):
        track, variety, lifted = read(f'{name}:figure7_{percent}').train_dataloader.dataset.datasets
        for part in (track, variety, *lifted.datasets):
            probs = [step.prob for step in part.pipeline if 'Mask' in step.type]
            assert probs == pytest.approx([percent / 300, percent / 150])


def test_graphs_of_motion2vec_s_paper():
    """A + I of the right skeleton, and frames that receive from the one before."""
    for start in ('', 'pretrain_'):
        backbone = read(f'motion2vec/{start}h36m_243:paper').model.backbone
        assert (backbone.edges, backbone.self_loops, backbone.temporal_graph) == ('h36m17', True, 'past')
        assert read(f'motion2vec/{start}mpi_inf_3dhp_81:skeleton').model.backbone.edges == 'mpi_inf_3dhp17'
    bones = set(get_skeleton('mpi_inf_3dhp17').bones)
    assert set(tree_edges('mpi_inf_3dhp17')) == bones | {(child, parent) for parent, child in bones}


def test_the_best_checkpoint_is_the_paper_s():
    """Of a config whose evaluator counts as a paper, the kept checkpoint is chosen by that."""
    for name in CONFIGS:
        evaluators = read(name).get('val_evaluator') or []
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        papers = [f'{e.get("prefix", e.protocol)}/MPJPE' for e in evaluators if e.get('protocol', 'clean') != 'clean']
        assert not papers or read(name).default_hooks.checkpoint.get('save_best') in (None, *papers), name


def test_sources_of_motionbert_s_meshes():
    """warmup_h36m 20 and warmup_coco 100 of the released configs: Human3.6M leaves 3DPW's after 20 epochs."""
    for name, sources, last in (
        ('mesh_pw3d', ['h36m', 'coco', 'pw3d'], [19, None, None]),
        ('mesh_refine_pw3d', ['h36m', 'pw3d'], [19, None]),
    ):
        loader = read(f'motionbert/{name}').train_dataloader
        assert [part.source for part in loader.dataset.datasets] == sources
        assert (loader.batch_sampler.last_epochs, loader.batch_sampler.order) == (last, 'sequence')


def test_the_camera_of_amass_is_orthographic():
    """As released: x, -z, y of the world times 0.298, the labels relative to the root."""
    poselifter.register_all_modules()
    source = read('motionbert/pretrain_amass_h36m_243').train_dataloader.dataset.datasets[2].datasets[0]
    rng = np.random.default_rng(0)
    world = rng.normal(0, 0.5, (9, 17, 3)).astype(np.float32) + [0.4, -2, 1]
    sample = {'world_keypoints': world, 'skeleton_3d': 'h36m17', 'random_key': [0, 0, 0, 0]}
    for step in source.pipeline[:2]:
        sample = TRANSFORMS.build(step)(sample)
    expected = 0.298 * np.stack([world[..., 0], -world[..., 2], world[..., 1]], -1)
    np.testing.assert_allclose(sample['target'], expected - expected[:, :1], atol=2e-3)
    drift = sample['inputs'][..., :2] - expected[..., :2]
    np.testing.assert_allclose(drift - drift.mean((0, 1)), 0, atol=2e-3)  # the camera looks at them from somewhere


def test_parts_that_learn_slower():
    """ActionPose's text side, warmed up too, and the backbone of MotionBERT's actions, but not from scratch."""
    tuned, scratch = (read(f'motionbert/action_ntu60_xsub{kind}').optim_wrapper for kind in ('', ':scratch'))
    assert tuned.paramwise_cfg == {'custom_keys': {'backbone': {'lr_mult': 0.1}}} and not scratch.paramwise_cfg
    config = read('actionpose/pretrain_babel_243')
    assert config.optim_wrapper.paramwise_cfg.custom_keys == {'text_encoder': {'lr_mult': 0.1}}
    warm_up = {'type': 'GroupWarmupLR', 'groups': 'text_encoder', 'end': 500, 'by_epoch': False}
    assert {key: config.param_scheduler[1][key] for key in warm_up} == warm_up
    assert masks('actionpose/pretrain_babel_243') == {'MaskMixture': {}}
    assert config.model.text_encoder.num_layers == 3 and config.model.backbone.align_layer == 3
    losses = config.model.heads.pose.losses
    assert [(loss.type, loss.get('loss_weight', 1)) for loss in losses] == [('MPJPELoss', 1), ('VelocityLoss', 20)]


@pytest.mark.parametrize('system', ['motionbert', 'motion2vec'])
@pytest.mark.parametrize('name', ['ntu60_xsub', 'ntu60_xview', 'ntu120_xsub', 'ntu120_xset'])
def test_splits_of_actions(system, name):
    """Persons are counted as the published figures count them, and who is there is packed for other counts."""
    classes, split = int(name.split('_')[0].removeprefix('ntu')), name.split('_')[1]
    config = read(f'{system}/action_{name}')
    parts = config.train_dataloader.dataset, config.test_dataloader.dataset
    assert [part.split for part in parts] == [f'{split}_train', f'{split}_val']
    assert all(part.ann_file == f'ntu{classes}_hrnet.pkl' for part in parts)
    assert all('present' in part.pipeline[-1]['keys'] and part.official_confidence_order for part in parts)
    head = config.model.heads.action
    assert head.num_classes == classes and head.official


def test_rows_of_the_metafiles():
    """Each is of a config and a variant that are there, whose file states the figure."""
    from poselifter.apis.zoo import zoo_models

    for name, model in zoo_models().items():
        path = model.config.relative_to(FOLDER).with_suffix('')
        suffix = f'_{model.variant}' if model.variant and not model.weights else ''  # weights are of one variant
        assert name in (f'{path.parent.name}_{path.name}{suffix}', f'{model.variant}_{path.name}')
        text, variants = model.config.read_text(), read(path.as_posix()).get('variants') or {}
        for number, result in enumerate(model.metadata['Results']):
            variant, figure = result.get('Variant'), next(iter(result['Metrics'].values()))
            assert not variant or variant in variants
            assert model.weights or (number and not variant) or f'{figure} ' in text, name

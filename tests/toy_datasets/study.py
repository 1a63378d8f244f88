"""Toy files for all configs, and configs cut down to two steps on them, with narrow networks of few layers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from mmengine.config import Config
from toy_smpl import toy_smpl

from . import h36m_motionbert, ntu
from .root import write_root

STEPS = 2
TESTED = [0, 4]  # of Human3.6M's clips: a walk, and sitting down
SIZES = {  # at most
    'num_heads': 1,  # what attention costs in networks as narrow as these
    **dict.fromkeys(('depth', 'spatial_depth', 'num_layers', 'align_layer', 'top_layers'), 1),
}
UNSTATED = {  # where configs leave the published size to the class
    'TemporalConvNet': {'embed_dims': 256},
    'PoseFormer': {'joint_dims': 8, 'num_heads': 1},
    'STMO': {'num_heads': 1},
    'ContextPretrainer': {'top_layers': 8},
}


def write_study(root: Path) -> Path:
    """Writes the toys of all data sets, a body model and another method's bodies below ``root``; not a second time."""
    if (root / 'done').exists():
        return root
    root.mkdir(parents=True)
    write_root(root)
    np.savez(root / 'mesh/SMPL_NEUTRAL.npz', **toy_smpl())
    identity = np.tile([1.0, 0, 0, 1, 0, 0], 24)
    np.savez(root / 'mesh/smpl_mean_params.npz', pose=identity, shape=np.zeros(10), cam=np.zeros(3))
    for method in ('spin', 'maed', 'hybrik'):
        (root / 'mesh' / method).mkdir()
        for video, frames in (('s_01_ca_01', 40), ('s_09_ca_01', 20)):
            bodies = {'pose': np.zeros((frames, 72)), 'betas': np.zeros((frames, 10)), 'camera': np.zeros((frames, 3))}
            np.savez(root / f'mesh/{method}/{video}.npz', **bodies)
    seen = [(f's_11_act_{action}_subact_01_ca_01', 30) for action in (10, 15)]  # of ActionPose's figure 8
    test = h36m_motionbert.make_part(seen, True)
    h36m_motionbert.write_file(root / 'motion3d/h36m_sh_conf_cam_source_final.pkl', test=test)
    names = ntu.names((1, 2, 3), cameras=(1,))  # few, since they are tested twice
    novel = ntu.names((1,), (1, 3, 8), cameras=(1, 2, 3), replications=(1, 2)) + ['S001C003P008R001A001']
    splits = dict.fromkeys(('xsub_train', 'xsub_val', 'xview_train', 'xview_val', 'xset_train', 'xset_val'), names)
    ntu.write_pickle(root / 'ntu/ntu60_hrnet.pkl', names, splits)
    ntu.write_pickle(root / 'ntu/ntu120_hrnet.pkl', sorted({*names, *novel}), splits)  # t-SNE needs some
    (root / 'done').touch()
    return root


@contextmanager
def hastened() -> Iterator[None]:
    """Leaves out what short runs spend most time on: tidy dumps of configs, garbage, a rest after an epoch."""
    with (
        patch('mmengine.config.config.FormatCode', lambda text, **_: (text, True)),
        patch('mmengine.dataset.base_dataset.gc', SimpleNamespace(collect=int)),
        patch('mmengine.runner.loops.time', SimpleNamespace(sleep=lambda _: None)),
    ):
        yield


def small(node: Any) -> Any:
    """A part of a model's config with one layer of one head, and a sixteenth of wide layers."""
    if isinstance(node, dict):
        node = UNSTATED.get(node.get('type'), {}) | node
        return {key: _small_size(key, value) if isinstance(value, int) else small(value) for key, value in node.items()}
    return [small(value) for value in node] if isinstance(node, (list, tuple)) else node


def _small_size(key: str, value: int) -> int:
    if key.endswith(('_dims', 'in_channels')) and value >= 128:
        return value // (16 if value >= 256 else 8)
    return min(value, SIZES.get(key, value))


def shorter(command: str) -> str:
    """A row's command without what toys lack, layers, or what takes minutes, timing of published networks."""
    return re.sub(r'--layer \d+', '--layer 1', command).replace(' --fps', '')


def write_config(config: Config, path: Path) -> Config:
    """Writes the toy of a config as a file, and returns it."""
    contents = toy_config(config.to_dict())
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in contents.items()), encoding='utf-8')
    return Config(contents, filename=str(path))


def toy_config(config: dict[str, Any]) -> dict[str, Any]:
    """The contents of a config for two steps of two clips with a narrow network."""
    config = {key: value for key, value in config.items() if key not in ('variants', 'work_dir', 'total_batch_size')}
    config |= {'load_from': None, 'pretrained_by': None}
    config['train_cfg'] = {'by_epoch': False, 'max_iters': STEPS, 'val_interval': STEPS}
    checkpoint = config['default_hooks']['checkpoint'] | {'by_epoch': False, 'interval': STEPS}
    config['default_hooks'] |= {'checkpoint': checkpoint | {'max_keep_ckpts': 1, 'save_optimizer': False}}
    batches = config['train_dataloader'].get('batch_sampler') or {}
    for loader in filter(None, (config.get(f'{part}_dataloader') for part in ('train', 'val', 'test'))):
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        if loader is not config['train_dataloader'] and loader['dataset']['type'] == 'Human36mDataset':
            loader['dataset'] |= {'indices': TESTED}
    if 'per_class' in batches:
        config['train_dataloader']['batch_size'] = 4  # two classes
    if 'batch_size' in batches:
        batches['batch_size'] = [2] * len(batches['batch_size'])
    config['model'] = small(config['model'])
    window = config['model'].get('test_cfg', {}).get('window', {})
    if window.get('stride') == 1:
        window['stride'] = 16  # else each frame has a window
    encoder = config['model'].get('text_encoder', {})
    if encoder.get('type') == 'BertTextEncoder' and not Path(encoder.get('pretrained') or '').is_dir():
        config['model']['text_encoder'] = {'type': 'HashedTextEncoder'}
    return config

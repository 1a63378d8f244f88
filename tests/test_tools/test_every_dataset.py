"""Every config of a data set: its toy files pass the check and are drawn, and without files it says what to do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import poselifter
from poselifter.datasets import ConcatDataset, stack_clips
from poselifter.engine import load_config
from poselifter.engine.tool import load_dataset
from poselifter.errors import InputError
from poselifter.registry import DATASETS

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
CONFIGS = sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != 'loaders')
NEEDS = {'coco_keypoints': 'xtcocotools'}
NO_TEST = {'posetrack', 'coco_keypoints', 'instavariety'}  # for training alone
SOUND = ('cmu', 'ntu60_xsub', 'posetrack', 'procedural')  # toys of the others are no rigid bodies
# the takes of the toys are short, and some configs leave the windows to the models'
WINDOW = {'h36m': 9, 'h36m_mmpose': 5, 'humaneva': 9, 'mpi_inf_3dhp': 9, 'amass': 30, 'babel': 15}
DRAWN = {  # one config of every class; the others are built
    'AMASSDataset': 'amass', 'BABELDataset': 'babel', 'CMUMocapDataset': 'cmu',
    'CMUSkeletonDataset': 'cmu_bodies',
    'COCOKeypointsDataset': 'coco_keypoints', 'Human36mDataset': 'h36m', 'Human36mMMPoseDataset': 'h36m_mmpose',
    'Human36mMotionBERTDataset': 'h36m_motionbert', 'HumanEvaDataset': 'humaneva',
    'InstaVarietyDataset': 'instavariety', 'MPIINF3DHPDataset': 'mpi_inf_3dhp', 'MeshDataset': 'mesh_h36m',
    'NTUActionDataset': 'ntu60_xsub', 'PoseTrackDataset': 'posetrack', 'ProceduralMotion': 'procedural',
}  # fmt: skip


@pytest.fixture
def config_of(toy_root, tmp_path, monkeypatch):
    """Writes a config that reads toy files of its data set, and returns its path."""

    def write(name):
        if name in NEEDS:
            pytest.importorskip(f'{NEEDS[name]}.coco', reason=f'needs {NEEDS[name]}', exc_type=ImportError)
        monkeypatch.setenv('POSELIFTER_DATA', str(toy_root))
        return write_config(tmp_path, name)

    return write


def write_config(folder, name):
    changes = f'window=dict(length={WINDOW[name]})' if name in WINDOW else ''
    changes = 'n_sequences=6' if name.startswith('procedural') else changes
    loaders = ('train', 'test') if 'n_sequences' in changes else ('train',)
    lines = [f'{loader}_dataloader = dict(dataset=dict({changes}))' for loader in loaders]
    (folder / 'config.py').write_text('\n'.join([f"_base_ = '{FOLDER / name}.py'", *lines, '']))
    return str(folder / 'config.py')


def splits_of(name):
    return ('train',) if name in NO_TEST else ('train', 'test')


def test_every_class_is_drawn():
    poselifter.register_all_modules()
    classes = {name for name, kind in DATASETS.module_dict.items() if kind.__module__.startswith('poselifter.')}
    assert classes - {ConcatDataset.__name__, 'SkeletonActionDataset', 'HDM05Dataset'} == set(DRAWN)


@pytest.mark.parametrize('config', DRAWN.values())
def test_toy_files_pass_and_are_drawn(config_of, tool, tmp_path, capsys, config):
    path = config_of(config)
    for split in splits_of(config):
        drawn = ['--out', str(tmp_path / 'sample.png')] if split == 'train' else []
        tool('misc/check_dataset').main([path, '--split', split, *drawn])
        said = capsys.readouterr().out
        assert 'the pipeline runs' in said and ('drawn: ' in said) == bool(drawn)
        assert 'warning' not in said or config not in SOUND, said
    tool('misc/browse_dataset').main([path, '--output-dir', str(tmp_path / 'browse'), '--max-item', '1'])
    pictures = [tmp_path / 'sample.png', *(tmp_path / 'browse').glob('*.png')]
    assert len(pictures) == 2 and all(np.asarray(Image.open(picture)).std() > 5 for picture in pictures)


LABELS = {'target', 'target_2d', 'smpl_pose', 'action', 'captions'}


@pytest.mark.parametrize('config', CONFIGS)
def test_training_batches_have_labels(config_of, config):
    poselifter.register_all_modules()
    path = config_of(config)
    for split in splits_of(config)[::-1]:
        dataset = load_dataset(load_config(path), split)
        assert torch.is_tensor(dataset[len(dataset) - 1]['inputs'])
    batch = stack_clips(dataset.__getitems__(range(3)))
    inputs, sample = batch['inputs'], batch['data_samples']
    assert inputs.dtype == torch.float32 and inputs.isfinite().all() and inputs.abs().max() < 4
    assert inputs.shape[0] == 3 and inputs.shape[-1] in (2, 3) and len(sample.sequence) == 3
    labels = LABELS & {*sample.keys(), *sample.metainfo_keys()}
    assert labels and all(len(sample.get(key)) == 3 for key in labels)
    for key in ('target', 'target_2d'):
        if key in sample:
            weight = sample.get(f'{key}_weight')
            assert sample.get(key).shape[:3] == weight.shape and weight.any() and sample.get(key).isfinite().all()
    again = stack_clips(dataset.__getitems__(range(3)))
    assert torch.equal(again['inputs'], inputs)


@pytest.mark.parametrize('config', [name for name in CONFIGS if not name.startswith('procedural')])
def test_missing_files_say_where_to_get_them_and_where_to_put_them(tmp_path, monkeypatch, config):
    poselifter.register_all_modules()
    monkeypatch.setenv('POSELIFTER_DATA', str(tmp_path))
    with pytest.raises(InputError) as error:
        load_dataset(load_config(write_config(tmp_path, config)), 'train')
    line = str(error.value)
    assert line.startswith(str(tmp_path)) and '\n' not in line and 'data' in line.removeprefix(str(tmp_path))
    assert any(mark in line for mark in ('docs/', '.org', '.com', '.edu', 'tools/')), line


def test_every_data_set_has_a_page(repository):
    pages = ' '.join(path.read_text() for path in (repository / 'docs/datasets').glob('*.md'))
    assert [name for name in CONFIGS if f'{name}.py' not in pages] == []

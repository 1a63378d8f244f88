"""Every config of a data set: its toy files pass the check and are drawn, and without files it says what to do."""

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_datasets import amass, coco, h36m, h36m_motionbert, humaneva, instavariety, mesh, mpi_inf_3dhp, ntu, posetrack

from poselifter.errors import InputError

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
CONFIGS = sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != 'loaders')
NEEDS = {'coco_keypoints': 'xtcocotools', 'mesh_eft': 'xtcocotools', 'amass': 'smplx', 'babel': 'smplx'}
NO_TEST = {'posetrack', 'coco_keypoints', 'instavariety'}  # for training alone
SOUND = ('cmu', 'ntu', 'posetrack', 'procedural')  # toys of the others are no rigid bodies
# the takes of the toys are short, and some configs leave the windows to the models'
WINDOW = {'h36m': 9, 'h36m_gt': 9, 'h36m_mmpose': 5, 'humaneva': 9, 'mpi_inf_3dhp': 9, 'amass': 30, 'babel': 30}


def has(package):
    try:
        return bool(importlib.import_module(package))
    except (ImportError, ValueError):
        return False


def write_amass(root, convert):
    amass.write_body(root / 'smplh')
    for subset, frames in (('CMU', 240), ('SFU', 80), ('SSM_synced', 60)):
        amass.write_recording(root / f'raw/{subset}/01/01_01_poses.npz', frames=frames)
    regressor = root / 'smplh/J_regressor_h36m_correct.npy'
    convert(
        'amass', root / 'raw', root / 'amass', '--body-models', root / 'smplh', '--regressor', regressor, '--workers', 1
    )
    label = {'raw_label': 'walk', 'proc_label': 'walk', 'act_cat': ['walk'], 'seg_id': '', 'start_t': 0, 'end_t': 0.6}
    (root / 'babel_v1.0_release').mkdir()
    for name, folder in (('train', 'CMU/CMU'), ('val', 'SFU/SFU')):
        entry = {'babel_sid': 1, 'feat_p': f'{folder}/01/01_01_poses.npz', 'dur': 0.6, 'seq_ann': None}
        entry['frame_ann'] = {'labels': [label]}
        (root / f'babel_v1.0_release/{name}.json').write_text(json.dumps({'1': entry}))


def write_mesh(root, convert):
    train, test = mesh.make_part([('s_01_ca_01', 40)]), mesh.make_part([('s_09_ca_01', 20)], 1)
    mesh.write_pickle(root / 'mesh_det_h36m.pkl', train, test)
    for name in ('coco', 'pw3d'):
        parts = ({k: v for k, v in part.items() if k != 'camera_name'} for part in (train, test))
        mesh.write_pickle(root / f'mesh_det_{name}.pkl', *parts)
    if has('xtcocotools.coco'):
        fits, _ = mesh.write_eft(root / 'fits.json', [9000, 9001, 9002])
        convert('eft', fits, root.parent / 'coco/annotations/person_keypoints_train2017.json', root / 'eft.npz')


@pytest.fixture(scope='module')
def files(tmp_path_factory, repository):
    """A folder as the docs want it, with a toy of every data set."""
    root = tmp_path_factory.mktemp('data')

    def convert(tool, *argv):
        importlib.import_module(tool).main([str(a) for a in argv])

    for name in ('h36m', 'motion3d', 'humaneva', 'mpi_inf_3dhp', 'coco', 'posetrack', 'mesh', 'ntu', 'cmu'):
        (root / name).mkdir()
    h36m.write_h36m(root / 'h36m', {**h36m.TOY, 'S6': {'Eating': 20}, 'S7': {'Photo': 20}, 'S8': {'Posing': 20}})
    for part in ('train', 'test'):
        h36m.write_mmpose(root / f'h36m/annotation_body3d/fps50/h36m_{part}.npz')
    h36m_motionbert.write_file(root / 'motion3d/h36m_sh_conf_cam_source_final.pkl')
    plan = {f'{part}/S{i}': {'Walking 1 chunk0': 20} for part in ('Train', 'Validate') for i in (1, 2, 3)}
    humaneva.write_humaneva(root / 'humaneva', plan=plan)
    mpi_inf_3dhp.write_3dhp(root / 'mpi_inf_3dhp')
    coco.write_file(root / 'coco', coco.annotations(20))
    posetrack.write_file(root / 'posetrack', {0: posetrack.make_track(40), 1: posetrack.make_track(35, 1)})
    for number, frames in enumerate((120, 90)):
        instavariety.write_track(root / f'tracks/dance/video{number}/0', instavariety.make_track(frames, number))
    convert('instavariety', root / 'tracks', root / 'instavariety')
    write_mesh(root / 'mesh', convert)
    names = ntu.names(range(1, 8), (1, 3), (1, 18, 32), (1, 2, 3)) + ['S001C003P008R001A001', 'S001C003P008R001A007']
    splits = dict.fromkeys(('xsub_train', 'xsub_val', 'xview_train', 'xview_val', 'xset_train', 'xset_val'), names)
    for number in (60, 120):
        ntu.write_pickle(root / f'ntu/ntu{number}_hrnet.pkl', names, splits)
    for part in ('train', 'val', 'test'):
        shutil.copy(repository / 'tests/data/cmu_tiny.npz', root / f'cmu/cmu_{part}.npz')
    if has('smplx'):
        write_amass(root, convert)
    return root


def write_config(folder, name):
    changes = f'window=dict(length={WINDOW[name]})' if name in WINDOW else ''
    changes = 'n_sequences=6' if name.startswith('procedural') else changes
    loaders = ('train', 'test') if 'n_sequences' in changes else ('train',)
    lines = [f'{loader}_dataloader = dict(dataset=dict({changes}))' for loader in loaders]
    (folder / 'config.py').write_text('\n'.join([f"_base_ = '{FOLDER / name}.py'", *lines, '']))
    return str(folder / 'config.py')


@pytest.mark.parametrize('config', CONFIGS)
def test_toy_files_pass_and_are_drawn(files, tool, tmp_path, monkeypatch, capsys, config):
    if config in NEEDS and not has(NEEDS[config]):
        pytest.skip(f'needs {NEEDS[config]}')
    monkeypatch.setenv('POSELIFTER_DATA', str(files))
    path = write_config(tmp_path, config)
    for split in ('train',) if config in NO_TEST else ('train', 'test'):
        options = ['--split', split]
        tool('misc/check_dataset').main([path, '--out', str(tmp_path / 'sample.png'), *options])
        said = capsys.readouterr().out
        assert 'the pipeline runs' in said and 'drawn: ' in said
        assert 'warning' not in said or not config.startswith(SOUND), said
        tool('misc/browse_dataset').main([path, '--output-dir', str(tmp_path / split), '--max-item', '1', *options])
        pictures = [tmp_path / 'sample.png', *(tmp_path / split).glob('*.png')]
        assert len(pictures) == 2 and all(np.asarray(Image.open(picture)).std() > 5 for picture in pictures)


@pytest.mark.parametrize('config', [name for name in CONFIGS if not name.startswith('procedural')])
def test_missing_files_say_where_to_get_them_and_where_to_put_them(tool, tmp_path, monkeypatch, config):
    monkeypatch.setenv('POSELIFTER_DATA', str(tmp_path))
    with pytest.raises(InputError) as error:
        tool('misc/check_dataset').build_dataset(write_config(tmp_path, config), 'train', {})
    line = str(error.value)
    assert line.startswith(str(tmp_path)) and '\n' not in line and 'data' in line.removeprefix(str(tmp_path))
    assert any(mark in line for mark in ('docs/', '.org', '.com', '.edu', 'tools/')), line


def test_every_data_set_has_a_page(repository):
    pages = ' '.join(path.read_text() for path in (repository / 'docs/datasets').glob('*.md'))
    assert [name for name in CONFIGS if f'{name}.py' not in pages] == []

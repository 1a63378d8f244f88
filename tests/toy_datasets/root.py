"""A folder as the docs want it, with a toy of every data set; tests share one and must not write to it."""

import json
import shutil
from pathlib import Path

import numpy as np

from poselifter.datasets.transforms.bodies import BONES
from poselifter.utils.arrays import load_arrays

from . import coco, h36m, h36m_motionbert, humaneva, mesh, mpi_inf_3dhp, ntu, posetrack

DATA = Path(__file__).parents[1] / 'data'
HUMANEVA = {
    f'{part}/S{i}': {'Walking 1 chunk0': 20, 'Jog 1 chunk0': 15} for part in ('Train', 'Validate') for i in (1, 2, 3)
}


def write_amass(folder: Path, frames: int) -> None:
    """Two recordings of a subset as tools/dataset_converters/amass.py leaves them."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    poses = np.concatenate([h36m.make_take(rng, frames)[:, h36m.KEPT] for _ in range(2)])
    np.save(folder / 'root.npy', poses[:, 0])
    np.save(folder / 'poses.npy', ((poses - poses[:, :1]) * 1e4).astype(np.int16))
    records = [{'sequence': f'{folder.name}/01/01_0{i}', 'length': frames} for i in (1, 2)]
    index = {'fps': 30, 'unit_m': 1e-4, 'skeleton': 'h36m17', 'sequences': records, 'dropped': []}
    (folder / 'index.json').write_text(json.dumps(index))


def write_babel(path: Path, subset: str) -> None:
    """Labels of both recordings of a subset: walking, then turning."""
    labels = [
        {'raw_label': text, 'proc_label': text, 'act_cat': [text], 'seg_id': '', 'start_t': start, 'end_t': start + 0.6}
        for text, start in (('walk', 0), ('turn', 0.6))
    ]
    feet = {str(i): f'{subset}/{subset}/01/01_0{i}_poses.npz' for i in (1, 2)}
    common = {'dur': 1.3, 'seq_ann': None, 'frame_ann': {'labels': labels}}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({i: {'babel_sid': int(i), 'feat_p': feat, **common} for i, feat in feet.items()}))


def write_humaneva(folder: Path) -> None:
    """The toy with all subjects, and the true 2D of its 15 joints: any pixels."""
    humaneva.write_humaneva(folder, plan=HUMANEVA)
    rng = np.random.default_rng(1)
    pixels = {
        s: {take: list(rng.uniform(0, 480, (3, n, 15, 2)).astype(np.float32)) for take, n in takes.items()}
        for s, takes in HUMANEVA.items()
    }
    joints = h36m.metadata('humaneva15')
    h36m.write_objects(folder / 'data_2d_humaneva15_gt.npz', positions_2d=pixels, metadata=joints)


def write_cmu(folder: Path) -> None:
    """The excerpts of CMU, and beside them made-up rotations of 31 bones for each of their clips."""
    rng = np.random.default_rng(2)
    clips, frames = len(load_arrays(DATA / 'cmu_tiny.npz')['clip_id']), len(load_arrays(DATA / 'cmu_tiny.npz')['root'])
    turns = np.concatenate([np.ones((frames, 31, 1)), rng.normal(0, 0.1, (frames, 31, 3))], -1)
    full = {
        'clip_id': load_arrays(DATA / 'cmu_tiny.npz')['clip_id'],
        'joint_names': np.array(BONES),
        'rotations': np.round(turns / np.linalg.norm(turns, axis=-1, keepdims=True) * 32767).astype(np.int16),
        'rotation_unit': np.float64(1 / 32767),
        'offsets': rng.normal(0, 0.2, (clips, 31, 3)).astype(np.float32),
        'source_format': np.array(['asf'] * clips),
        'daz_turn': np.tile(np.float32([1, 0, 0, 0]), (31, 1)),
    }
    for part in ('train', 'val', 'test'):
        shutil.copy(DATA / 'cmu_tiny.npz', folder / f'cmu_{part}.npz')
        np.savez(folder / f'full_{part}.npz', **full)
    folder.with_name('cmu_fits').mkdir()
    shutil.copy(folder / 'full_train.npz', folder.with_name('cmu_fits'))


def write_hrnet(folder: Path) -> None:
    """The toy's CPN file without joint 9, as HRNet's is said to be."""
    poses = load_arrays(folder / 'data_2d_h36m_cpn_ft_h36m_dbb.npz')['positions_2d'].item()
    poses = {s: {take: [np.delete(v, 9, 1) for v in views] for take, views in t.items()} for s, t in poses.items()}
    h36m.write_objects(folder / 'data_2d_h36m_hr.npz', positions_2d=poses, metadata=h36m.metadata('h36m16'))


def write_mesh(folder: Path) -> None:
    """MotionBERT's three pickles, and fits of EFT as their converter leaves them."""
    train, test = mesh.make_part([('s_01_ca_01', 40)]), mesh.make_part([('s_09_ca_01', 20)], 1)
    mesh.write_pickle(folder / 'mesh_det_h36m.pkl', train, test)
    for part in (train, test):
        del part['camera_name']
    for name in ('coco', 'pw3d'):
        mesh.write_pickle(folder / f'mesh_det_{name}.pkl', train, test)
    np.savez(folder / 'eft.npz', **{f'train_{name}': array for name, array in train.items()})


def write_root(root: Path) -> Path:
    """Writes all of it below ``root``."""
    for name in ('h36m', 'motion3d', 'humaneva', 'mpi_inf_3dhp', 'coco', 'posetrack', 'mesh', 'ntu', 'cmu'):
        (root / name).mkdir()
    h36m.write_h36m(root / 'h36m', {**h36m.TOY, 'S6': {'Eating': 20}, 'S7': {'Photo': 20}, 'S8': {'Posing': 20}})
    write_hrnet(root / 'h36m')
    for part in ('train', 'test'):
        h36m.write_mmpose(root / f'h36m/annotation_body3d/fps50/h36m_{part}.npz')
    h36m_motionbert.write_file(root / 'motion3d/h36m_sh_conf_cam_source_final.pkl')
    write_humaneva(root / 'humaneva')
    for folder in ('mpi_inf_3dhp', 'mpi_inf_3dhp/annotated'):
        (root / folder).mkdir(exist_ok=True)
        mpi_inf_3dhp.write_3dhp(root / folder)
    coco.write_file(root / 'coco', coco.annotations(20))
    posetrack.write_file(root / 'posetrack', {0: posetrack.make_track(40), 1: posetrack.make_track(35, 1)})
    points = np.random.default_rng(0).uniform(-1, 1, (170, 17, 3)).astype(np.float32)
    points[..., 2] = 1
    (root / 'instavariety').mkdir()
    np.save(root / 'instavariety/motion_all.npy', points)
    np.save(root / 'instavariety/id_all.npy', np.repeat([0, 1], [90, 80]))
    write_mesh(root / 'mesh')
    names = ntu.names(range(1, 8), (1, 3), (1, 18, 32), (1, 2, 3)) + ['S001C003P008R001A001', 'S001C003P008R001A007']
    splits = dict.fromkeys(('xsub_train', 'xsub_val', 'xview_train', 'xview_val', 'xset_train', 'xset_val'), names)
    for number in (60, 120):
        ntu.write_pickle(root / f'ntu/ntu{number}_hrnet.pkl', names, splits)
    write_cmu(root / 'cmu')
    for subset in ('CMU', 'SFU', 'SSM_synced'):
        write_amass(root / 'amass' / subset, 250)
    for subset in ('CMU', 'SFU'):
        write_amass(root / 'amass_30' / subset, 40)
    for part, subset in (('train', 'CMU'), ('val', 'SFU')):
        write_babel(root / f'babel_v1.0_release/{part}.json', subset)
    return root

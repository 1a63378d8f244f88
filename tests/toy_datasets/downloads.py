"""What the pages of the data sets ask a reader to download, as toys, under the names that the pages give."""

from pathlib import Path

import numpy as np

from . import amass, cmu, coco, instavariety, mesh, mpi_inf_3dhp, ntu


def write_downloads(folder: Path, data: Path) -> None:
    """Writes the files: those in ``data/`` of the pages below ``data``, the others below ``folder``."""
    rng = np.random.default_rng(0)
    amass.write_body(folder / 'smplh')
    (folder / 'smplh/J_regressor_h36m_correct.npy').rename(folder / 'J_regressor_h36m_correct.npy')
    amass.write_recording(folder / 'archives/CMU/01/01_01_poses.npz')
    instavariety.write_track(folder / 'InstaVariety_tracks/dance/video1/0', instavariety.make_track(90))
    cmu.write_database(folder / 'DOWNLOADED_FOLDER')
    mpi_inf_3dhp.write_annotations(folder / 'DOWNLOADED_FOLDER')
    for part in ('train', 'test'):
        mesh.write_pw3d(data / '3DPW/sequenceFiles', part, f'scene_{part}', mesh.pw3d_sequence(np.zeros(3)))
    mesh.write_eft(folder / 'COCO2014-Part-ver01.json', [9002, 9000])
    coco.write_file(folder).rename(folder / 'person_keypoints_train2014.json')
    (data / 'neural_annot').mkdir(parents=True)
    for subject in (5, 11):
        mesh.write_neural_annot(data / 'neural_annot', subject)
    (folder / 'nturgb+d_skeletons').mkdir()
    names = ntu.names((1, 50), (1, 3))
    for name in names:
        bodies = {9: (range(1, 15), rng.normal(0, 0.4, (14, 25, 3)) + [0, 0, 3])}
        ntu.write_skeleton(folder / f'nturgb+d_skeletons/{name}.skeleton', bodies, 16)
        ntu.write_skeleton(folder / f'{name}.skeleton', bodies, 16)
    (folder / 'LIST.txt').write_text(f'Header\nof three\nlines\n{names[-1]}\n')

import numpy as np
import pytest
from toy_datasets.humaneva import TOY, write_humaneva

from poselifter.datasets import HumanEvaDataset
from poselifter.datasets.calibration import mocap_cameras
from poselifter.errors import InputError
from poselifter.geometry import camera_to_world
from poselifter.structures import check_sample
from poselifter.utils.arrays import load_arrays

COCO = 'data_2d_humaneva15_detectron_pt_coco.npz'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_humaneva(tmp_path_factory.mktemp('humaneva'))


@pytest.fixture
def humaneva(folder):
    def build(**changes):
        settings = dict(data_root=str(folder), ann_file='data_3d_humaneva15.npz', keypoint_file=COCO, test_mode=True)
        return HumanEvaDataset(**{**settings, **changes})

    return build


def test_sequences_and_their_facts(humaneva, folder):
    dataset = humaneva()
    plan = [(subject, take) for subject, takes in TOY.items() if 'S4' not in subject for take in takes]
    assert [s['sequence'] for s in dataset] == [f'{s}/{t}/{c}' for s, t in plan for c in ('C1', 'C2', 'C3')]
    poses = load_arrays(folder / 'data_3d_humaneva15.npz')['positions_3d'].item()
    for sample in dataset:
        check_sample(sample)
        subject, take, name = sample['sequence'].rsplit('/', 2)
        assert (sample['subject'], sample['action_name']) == (subject[-2:], take.split(' ')[0])
        assert (sample['fps'], sample['img_shape'], sample['skeleton_3d']) == (60, (480, 640), 'humaneva15')
        assert sample['skeleton'] == 'coco17' and 'camera_param' not in sample  # there are no intrinsics
        camera = mocap_cameras('humaneva')[sample['subject']][name]
        np.testing.assert_allclose(camera_to_world(sample['lifting_target'], camera), poses[subject][take], atol=1e-5)


def test_splits_are_subjects_of_the_file(humaneva):
    found = humaneva(subjects=['Validate/S1', 'Validate/S2'])
    assert {s['sequence'].split('/')[0] for s in found} == {'Validate'} and len(found) == 9
    with pytest.raises(InputError, match=r"no subject \['Unlabeled/S4'\]"):
        humaneva(subjects=['Unlabeled/S4'])
    with pytest.raises(InputError, match='needs keypoint_file: its cameras cannot project'):
        humaneva(keypoint_file=None)

"""Pictures of several models for the same sequences: the numbers below them by hand, and what cannot be compared."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from poselifter.evaluation.metrics import PoseMetric
from poselifter.skeletons import get_skeleton


@pytest.fixture
def main(tool):
    return tool('analysis_tools/compare').main


@pytest.fixture
def write(rng, tmp_path):
    """Writes a file whose poses err by so many mm along x, the root aside; some sequences twice as much."""
    target = {name: rng.normal(size=(n, 17, 3)) for name, n in (('S9/Walking/a', 12), ('S11/Photo/b', 4))}

    def dump(name, error, joints=slice(1, None), **changes):
        samples = []
        for number, (sequence, poses) in enumerate(target.items(), start=1):
            pred = poses - poses[:, :1]
            pred[:, joints, 0] += number * error / 1000
            sample = {'lifting_target': poses, 'lifting_target_visible': np.ones((len(poses), 17))}
            sample |= {'pred_keypoints_3d': pred, 'sequence': sequence, 'skeleton_3d': 'h36m17', 'action_name': 'a'}
            sample |= {'keypoints': 100 * poses[..., :2] + 300, 'skeleton': 'h36m17'}
            samples.append({**sample, **changes})
        (tmp_path / name).write_bytes(pickle.dumps(samples))
        return tmp_path / name

    return dump


def test_numbers_and_pictures(main, write, tmp_path):
    """Frames, not sequences, are averaged; the root does not count as a joint where the protocol sets it to zero."""
    out, knees = tmp_path / 'out', [2, 5]
    files = [f'first={write("a.pkl", 34)}', str(write('b.pkl', 17 * 21, knees))]
    main([*files, '--out', str(out), '--sequences', 'S11/*'])
    figures = json.loads((out / 'errors.json').read_text())
    assert list(figures) == ['first', 'b']
    first, second = figures['first'], figures['b']
    assert first['mean'] == pytest.approx((12 * 32 + 4 * 64) / 16)  # 16 of 17 joints err
    assert (first['under30'], first['over40']) == pytest.approx((0, 25))
    assert first['joints'] == pytest.approx(dict.fromkeys(first['joints'], (12 * 34 + 4 * 68) / 16))
    assert second['mean'] == pytest.approx((12 * 42 + 4 * 84) / 16) and second['over40'] == pytest.approx(100)
    assert list(second['joints'])[:4] == ['hip', 'knee', 'ankle', 'spine']
    knee = (12 * 357 + 4 * 714) / 16
    assert second['joints'] == pytest.approx({**dict.fromkeys(second['joints'], 0), 'knee': knee}, abs=1e-4)
    assert second['variance'] == pytest.approx(np.var(list(second['joints'].values())))
    assert first['variance'] == pytest.approx(0, abs=1e-6)
    pictures = {path.name: np.asarray(Image.open(path)) for path in out.glob('*.png')}
    assert set(pictures) == {'distribution.png', 'joints.png', 'S11_Photo_b.png'}
    assert all(min(image.shape[:2]) > 300 and image[..., :3].std() > 5 for image in pictures.values())


def test_a_protocols_counting(main, write, tmp_path):
    """What is predicted twice counts twice, the root too; as PoseMetric has it."""
    path = write('a.pkl', 20, joints=slice(None))
    samples = pickle.loads(path.read_bytes())
    for sample in samples:
        length = len(sample['lifting_target'])
        sample['pred_frames'] = np.r_[: length - 1, length - 3 : length]
        sample['pred_keypoints_3d'] = sample['pred_keypoints_3d'][sample['pred_frames']]
    path.write_bytes(pickle.dumps(samples))
    main([f'a={path}', '--out', str(tmp_path / 'out'), '--protocol', 'mixste', '--frames', '1'])
    figures = json.loads((tmp_path / 'out/errors.json').read_text())['a']
    metric = PoseMetric('mixste', detail=True)
    metric.process(None, samples)
    expected = metric.report(metric.results)[0]
    assert figures['mean'] == pytest.approx(expected['MPJPE'])
    assert figures['joints']['pelvis'] == pytest.approx(expected['joints/MPJPE/pelvis'])
    assert len(figures['joints']) == len({name.split('_', 1)[-1] for name in get_skeleton('h36m17').joint_names})


@pytest.mark.parametrize(('changes', 'message'), [
    ({'sequence': 'else'}, 'no sequence in common|share name'),
    ({'skeleton_3d': 'cmu17'}, 'the joint set of S9/Walking/a is cmu17, in the first file h36m17'),
    ({'lifting_target': np.zeros((3, 17, 3))}, 'the number of frames of S9/Walking/a is 3, in the first file 12'),
    ({'pred_keypoints_3d': None}, 'b: S9/Walking/a lacks one of pred_keypoints_3d'),
])  # fmt: skip
def test_what_cannot_be_compared(fails, main, write, tmp_path, changes, message):
    line = fails(main, f'a={write("a.pkl", 1)}', f'b={write("b.pkl", 1, **changes)}', '--out', tmp_path / 'out')
    assert any(part in line for part in message.split('|'))


def test_wrong_names(fails, main, write, tmp_path):
    path = write('a.pkl', 1)
    assert "two files are named 'a'" in fails(main, path, f'a={path}', '--out', tmp_path)
    line = fails(main, path, '--out', tmp_path, '--sequences', 'S1/*')
    assert "sequences are named ['S9/Walking/a', 'S11/Photo/b']" in line

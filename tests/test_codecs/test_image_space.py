"""The 2.5D codec against MotionBERT's and MotionAGFormer's readers and evaluations, and by geometry."""

import json

import numpy as np
import pytest
import torch

from poselifter.codecs import ImageSpaceLifting, ScreenScaledLifting
from poselifter.errors import InputError
from poselifter.geometry import Camera
from poselifter.skeletons import get_skeleton
from poselifter.structures import MotionDataSample, check_sample

HEIGHTS = {'54138969': 1002, '60457274': 1002, '55011271': 1000, '58860488': 1000}


def filmed(rng, n_frames=6, depth=4.0):
    """A sample with a pose in the camera's frame and the camera."""
    camera = Camera((1145, 1143), (512, 515), (-0.2, 0.24, 0.0), (-0.001, -0.0014))
    pose = rng.uniform(-0.8, 0.8, (n_frames, 17, 3)) + [0.2, 0.1, depth]
    return {
        'keypoints': rng.uniform(0, 1000, (n_frames, 17, 2)),
        'keypoints_visible': rng.uniform(0.1, 1, (n_frames, 17)), 'img_shape': (1002, 1000), 'lifting_target': pose,
        'lifting_target_visible': np.ones((n_frames, 17)), 'camera_param': camera.to_dict(), 'skeleton': 'h36m17',
        'skeleton_3d': 'h36m17',
    }  # fmt: skip


def packed(sample, *keys):
    result = MotionDataSample(metainfo={'img_shape': sample['img_shape']})
    for key in keys or ('keypoints', 'factor'):
        result.set_data({key: torch.as_tensor(np.asarray(sample[key]))})
    return result


@pytest.fixture(scope='module')
def protocol(shared):
    with np.load(shared / 'fixtures/parity/motionbert/functions/h36m_protocol.npz') as file:
        return {key: file[key] for key in file.files}


def clips_of(case):
    """Clips of the official reader as samples of ours, with their frames and predictions."""
    for clip, frames in enumerate(case['split_id']):
        sample = {
            'keypoints': case['joint_2d'][frames],
            'keypoints_visible': case['confidence'][frames],
            'image_target': case['joint3d_image'][frames].astype(np.float32),
            'factor': case['factor'][frames],
            'img_shape': (HEIGHTS[case['camera_name'][frames[0]]], 1000),
        }
        yield sample, clip, torch.from_numpy(case['predictions'][clip])


def test_inputs_and_targets_are_the_official_reader_s(protocol):
    for sample, clip, _ in clips_of(protocol):
        labels = protocol['clips_3d'][clip]
        encoded = ImageSpaceLifting().encode(sample)
        np.testing.assert_allclose(encoded['inputs'], protocol['clips_2d'][clip], atol=1e-6)
        np.testing.assert_allclose(encoded['target'], labels - labels[:, :1], atol=1e-6)
        assert encoded['target_weight'].shape == (9, 17) and (encoded['target_weight'] == 1).all()
        everywhere = ImageSpaceLifting(root_relative=False).encode(sample)['target']
        np.testing.assert_allclose(everywhere[..., :2], labels[..., :2], atol=1e-6)
        np.testing.assert_allclose(everywhere[..., 2], labels[..., 2] - labels[0, 0, 2], atol=1e-6)


@pytest.mark.parametrize(('setting', 'options'), [
    ('rootrel', {}),
    ('global', {'root_relative': False}),
    ('rootrel_gt2d', {'paste_2d': True}),  # the stored run pasted the detections that it was given
])  # fmt: skip
def test_decodes_as_the_official_evaluation(protocol, setting, options):
    codec = ImageSpaceLifting(**options)
    for sample, clip, prediction in clips_of(protocol):
        source = protocol['source'][protocol['split_id'][clip][0]]
        if source[:-6] == 's_09_act_05_subact_02':
            continue  # the stored result of a blocked source lacks the factor
        official = protocol[f'results_mm_{setting}'][clip] / 1000
        poses = codec.decode(prediction, packed(sample), torch.arange(9))
        np.testing.assert_allclose(poses, official - official[:, :1], atol=2e-6)


def test_true_2d_is_the_label_s_with_confidence_1(protocol):
    sample, clip, prediction = next(clips_of(protocol))
    codec, label = ImageSpaceLifting(gt_2d=True, paste_2d=True), protocol['clips_3d'][clip]
    encoded = codec.encode(sample)
    np.testing.assert_allclose(encoded['inputs'][..., :2], label[..., :2], atol=1e-6)
    assert (encoded['inputs'][..., 2] == 1).all()
    pixels = (
        codec.decode(prediction, packed(encoded))[..., :2] * 1000 / torch.as_tensor(encoded['factor'])[:, None, None]
    )
    truth = protocol['joint3d_image'][protocol['split_id'][clip]][..., :2]
    np.testing.assert_allclose(pixels, truth - truth[:, :1], atol=1e-3)


def test_labels_in_the_camera_frame_become_the_image_space(rng):
    """A target decodes to the pose; exactly for depth, and for x and y up to the perspective within the body."""
    sample, codec = filmed(rng, depth=400.0), ImageSpaceLifting()  # from far away nothing is left of that
    sample['camera_param']['focal'], sample['camera_param']['radial'] = [114500, 114500], [0, 0, 0]
    sample['camera_param']['tangential'] = [0, 0]
    encoded = codec.encode(sample)
    check_sample({k: np.asarray(v, np.float32) if isinstance(v, np.ndarray) else v for k, v in encoded.items()})
    decoded = codec.decode(torch.from_numpy(encoded['target']), packed(encoded))
    truth = sample['lifting_target'] - sample['lifting_target'][:, :1]
    np.testing.assert_allclose(decoded[..., 2], truth[..., 2], atol=1e-4)
    np.testing.assert_allclose(decoded, truth, atol=5e-3)


def test_the_root_has_its_place_by_the_factor_of_its_frame(rng):
    encoded, codec = ImageSpaceLifting().encode(filmed(rng)), ImageSpaceLifting()
    prediction, frames = torch.randn(4, 17, 3), torch.tensor([5, 0, 0, 2])
    root = codec.decode(prediction, packed(encoded), frames, zero_root=False)[:, 0]
    factor = torch.as_tensor(encoded['factor'])[frames]
    torch.testing.assert_close(root, prediction[:, 0] * factor[:, None] / 2)  # 1000 px wide: 500 px * factor mm / 1000


def test_without_a_sample_the_body_is_of_average_size():
    codec, prediction = ImageSpaceLifting(), torch.randn(5, 17, 3)
    poses = codec.decode(prediction)
    bones = sum((poses[:, c] - poses[:, p]).norm(dim=-1) for p, c in get_skeleton('h36m17').bones)
    assert bones.median() == pytest.approx(4.15, rel=1e-5)
    torch.testing.assert_close(poses, codec.decode(prediction * 7), atol=1e-5, rtol=1e-5)
    assert ImageSpaceLifting(gt_2d=True, paste_2d=True).decode(torch.zeros(2, 17, 3)).isfinite().all()


def test_what_it_needs_is_named(rng):
    codec, clip = ImageSpaceLifting(paste_2d=True), ImageSpaceLifting().encode(filmed(rng))
    with pytest.raises(InputError, match=r'no keypoints.*PackPose'):
        codec.decode(torch.zeros(6, 17, 3), packed(clip, 'factor'))
    with pytest.raises(InputError, match='no factor'):
        codec.decode(torch.zeros(6, 17, 3), packed(clip, 'keypoints'))
    with pytest.raises(InputError, match='one joint set, found coco17 and h36m17'):
        ImageSpaceLifting(skeleton='coco17', gt_2d=True)


class TestMPIInf3DHP:
    """MotionAGFormer's millimetres, scaled as pixels."""

    @pytest.fixture
    def case(self, shared):
        folder = shared / 'fixtures/parity/motionagformer/functions/mpi_inf_3dhp_evaluate'
        arrays = {path.stem: np.load(path) for path in folder.glob('*.npy')}
        return {**arrays, **json.loads((folder / 'meta.json').read_text())}

    @pytest.mark.parametrize(('name', 'height', 'width'), [('TS1', 2048, 2048), ('TS5', 1080, 1920)])
    def test_clips_are_the_official_reader_s(self, case, name, height, width):
        """The stored clips end with the leftover frames stretched; the first holds frames 0 to 8."""
        poses, clip = case[f'{name}_data_3d'][:9] / 1000, case['clip_sequences'].index(name)
        encoded = ScreenScaledLifting().encode(
            {
                'keypoints': case[f'{name}_data_2d'][:9], 'keypoints_visible': np.ones((9, 17)),
                'img_shape': (height, width), 'lifting_target': poses, 'lifting_target_visible': np.ones((9, 17)),
                'skeleton_3d': 'mpi_inf_3dhp17',
            }
        )  # fmt: skip
        np.testing.assert_allclose(encoded['inputs'], case['clips_2d'][clip], atol=1e-6)
        labels = case['clips_3d_normalised'][clip]
        np.testing.assert_allclose(encoded['target'], labels - labels[:, 14:15], atol=1e-6)

    def test_decodes_with_half_the_width(self):
        prediction = torch.randn(3, 17, 3)
        sample = MotionDataSample(metainfo={'img_shape': (1080, 1920)})
        decoded = ScreenScaledLifting().decode(prediction, sample, torch.arange(3))
        expected = prediction * 0.96
        expected[:, 14] = 0
        torch.testing.assert_close(decoded, expected)
        torch.testing.assert_close(ScreenScaledLifting().decode(prediction)[:, 0], prediction[:, 0] * 1.024)

"""What every registered codec promises; a new one is tested on the day it is registered."""

import numpy as np
import pytest
import torch

import poselifter.codecs  # noqa: F401  (registers all)
from poselifter.codecs import BaseCodec
from poselifter.datasets.clip_batch import ClipBatch
from poselifter.datasets.transforms import Encode
from poselifter.errors import InputError
from poselifter.registry import CODECS
from poselifter.structures import MotionDataSample, check_sample

FRAMES = 4
VARIANTS = {
    'ImageSpaceLifting': [{}, {'root_relative': False}, {'gt_2d': True, 'paste_2d': True}],
    'RootRelativeLifting': [{}, {'confidence': True, 'window_box': True}, {'unit': 'mm'}],
    'ScreenScaledLifting': [{'skeleton': 'h36m17', 'skeleton_3d': 'h36m17'}],
}
CASES = [{'type': name, **options} for name in sorted(CODECS.module_dict) for options in VARIANTS.get(name, [{}])]


@pytest.fixture(params=CASES, ids=str)
def codec(request):
    return CODECS.build(request.param)


def clip(seed, codec, persons=None):
    """A sample with all that some codec reads; of one person, or several where the codec knows them."""
    rng = np.random.default_rng(seed)
    people = () if persons is None else (persons,)
    made = {
        'keypoints': rng.uniform(0, 1000, (*people, FRAMES, 17, 2)).astype(np.float32),
        'keypoints_visible': rng.uniform(0.1, 1, (*people, FRAMES, 17)).astype(np.float32),
        'img_shape': (1002, 1000 + 100 * seed),
        'skeleton': 'h36m17',
    }
    if persons is not None:
        return {**made, 'present': np.arange(persons) == 0}
    if codec.skeleton_3d is not None:
        camera = {'focal': (1145.0 + seed, 1143.0), 'centre': (512.0, 515.0)}
        pose = rng.uniform(-0.8, 0.8, (FRAMES, 17, 3)) + [0.2, 0.1, 4 + seed]
        made |= {'lifting_target': pose.astype(np.float32), 'lifting_target_visible': np.ones((FRAMES, 17), np.float32)}
        made |= {'camera_param': camera, 'skeleton_3d': 'h36m17'}
    return made


def clips(codec, count=3):
    groups = [[clip(seed, codec) for seed in range(count)]]
    if codec.several_persons:
        groups.append([clip(seed, codec, persons=2) for seed in range(count)])
    return groups


def test_declaration(codec):
    assert isinstance(codec, BaseCodec) and codec.skeleton.num_joints == 17
    assert (codec.skeleton_3d is None) == (codec.unit is None) and codec.unit in ('m', 'mm', None)
    assert codec.fps is None or codec.fps > 0


def test_encoding_adds_arrays_of_the_declared_channels(codec):
    for group in clips(codec):
        for sample in group:
            before = {key: np.array(value) for key, value in sample.items() if isinstance(value, np.ndarray)}
            encoded = codec.encode(sample)
            check_sample(encoded)
            assert all(np.array_equal(sample[key], value) for key, value in before.items())
            inputs = torch.from_numpy(encoded['inputs'])
            assert inputs.dtype == torch.float32 and inputs.shape[:-1] == sample['keypoints'].shape[:-1]
            window = inputs.flatten(0, -4) if inputs.ndim > 3 else inputs[None]
            assert codec.normalize_window(window).shape == (*window.shape[:-1], codec.channels)
            assert ('target' in encoded) == (codec.skeleton_3d is not None)


def test_a_batch_is_encoded_as_its_clips_are(request, codec):
    for group in clips(codec):
        for samples in (group, group[:1]):
            together = Encode(request.node.callspec.params['codec']).transform_batch(ClipBatch.stack(samples))
            for one, sample in zip(together, samples, strict=True):
                alone = codec.encode(sample)
                assert one.keys() == alone.keys()
                for key, value in alone.items():
                    np.testing.assert_array_equal(one[key], value, err_msg=key)


def test_clips_without_labels_are_encoded(codec):
    sample = {key: clip(0, codec)[key] for key in ('keypoints', 'keypoints_visible', 'img_shape')}
    encoded = codec.encode(sample)
    assert 'target' not in encoded and encoded['inputs'].shape[:2] == (FRAMES, 17)


def test_targets_decode_to_metres_relative_to_the_root(codec):
    sample = codec.encode(clip(1, codec))
    facts = MotionDataSample(metainfo={'img_shape': sample['img_shape']})
    for key in {'keypoints', 'factor'} & sample.keys():
        facts.set_data({key: torch.from_numpy(sample[key])})
    if codec.skeleton_3d is None:
        with pytest.raises(InputError, match='decodes no poses'):
            codec.decode(torch.zeros(FRAMES, 17, 3), facts)
        return
    target = torch.from_numpy(sample['target'])
    poses = codec.decode(target, facts)
    truth = sample['lifting_target'] - sample['lifting_target'][:, :1]
    np.testing.assert_allclose(poses[..., 2], truth[..., 2], atol=1e-4)
    near = 0.3 if 'factor' in sample else 1e-4  # the image space leaves out the perspective within the body
    np.testing.assert_allclose(poses, truth, atol=near)
    some = torch.tensor([3, 0])
    torch.testing.assert_close(codec.decode(target[some], facts, some), poses[some])
    assert codec.decode(target).isfinite().all()  # people of whom nothing is known


def test_other_joint_sets_are_named(codec):
    with pytest.raises(InputError, match="expects skeleton 'h36m17', the sample has 'coco17'; convert it"):
        codec.encode({**clip(0, codec), 'skeleton': 'coco17'})
    if codec.skeleton_3d is not None:
        with pytest.raises(InputError, match="expects skeleton_3d 'h36m17', the sample has 'cmu17'"):
            codec.encode({**clip(0, codec), 'skeleton_3d': 'cmu17'})

"""Every registered transform: the table of keys, batches and single clips, draws without state; and foreign ones."""

import numpy as np
import pytest
from mmcv.transforms import BaseTransform

import poselifter
from poselifter.datasets import ProceduralMotion
from poselifter.datasets.clip_batch import run_pipeline, stack_samples
from poselifter.datasets.transforms import ForeignTransform, Transform, build_pipeline
from poselifter.registry import TRANSFORMS
from poselifter.structures import check_sample

poselifter.register_all_modules()
OURS = sorted(name for name, kind in TRANSFORMS.module_dict.items() if issubclass(kind, Transform))
FILM, ENCODE = dict(type='VirtualCamera'), dict(type='Encode', codec=dict(type='RootRelativeLifting', confidence=True))
WORLD = {'VirtualCamera'}  # before any camera
BODIES = {'TimeWarp', 'StraightenLimbs', 'VaryPose', 'VaryBody', 'PoseBody', 'BodyDetections', 'WideCamera'}
PIXELS = {
    *('DetectorErrors', 'MissingParts', 'DetectedJoints', 'KeypointNoise', 'Encode', 'ResampleClip', 'RandomWindow'),
    *('ChangeFrameRate', 'EdgePad'),
}
ARGUMENTS = {
    'Encode': {'codec': ENCODE['codec']}, 'ResampleClip': {'length': 23, 'mode': 'random'},
    'RandomWindow': {'length': 20}, 'EdgePad': {'length': 40}, 'CropScale': {'ratio': (1, 2)},
    'CropScale3D': {'ratio': (0.5, 1)}, 'DetectedJoints': {'prob': 0.7}, 'ConvertJoints': {'skeleton': 'body17'},
}  # fmt: skip
FILMS = {
    *('VirtualCamera', 'DetectedJoints', 'KeypointNoise'),
    *('PoseBody', 'BodyDetections', 'WideCamera', 'DetectorErrors', 'MissingParts'),
}
CORRUPTS = {
    *('JointMask', 'FrameMask', 'BodyPartMask', 'TimeWindowMask', 'FrameRemoval', 'JointReplacement', 'SpanMask'),
    *('MaskMixture', 'FittedNoise', 'FrameShuffle', 'GaussianNoise', 'LowScores', 'SwapSides'),
}


def variants(name):
    """A transform by its config, masks in each of their ways."""
    config = dict(type=name, **ARGUMENTS.get(name, {}))
    if name in CORRUPTS and ('Mask' in name or name in ('FrameRemoval', 'JointReplacement')):
        return [config, {**config, 'copies': 3}]
    return [config]


def turning_bodies(frames=54):
    """Bodies whose bones turn slowly about axes of their own."""
    rng, samples = np.random.default_rng(0), []
    for index in range(5):
        angle = np.linspace(0, rng.uniform(1, 2, 31), frames)[..., None]
        axis = rng.normal(size=(31, 3))
        turns = np.concatenate(
            [np.cos(angle / 2), np.sin(angle / 2) * axis / np.linalg.norm(axis, axis=1)[:, None]], -1
        )
        arrays = {
            'bone_rotations': turns,
            'bone_offsets': rng.normal(0, 0.2, (31, 3)),
            'world_root': np.ones((frames, 3)),
        }
        arrays = {key: value.astype(np.float32) for key, value in arrays.items()}
        arrays['frame_indices'] = np.arange(frames)
        samples.append({**arrays, 'skeleton_3d': 'body17', 'random_key': [0, index // 3, index, 0]})
    return samples


@pytest.fixture(scope='module')
def clips():
    """Samples as a transform finds them, of two epochs."""
    data = ProceduralMotion(3, 60, window=dict(length=30, stride=10), motions=['walk', 'wave', 'turn'])

    def make(name):
        if name in BODIES:
            return run_pipeline(
                build_pipeline([dict(type='PoseBody')] if name == 'WideCamera' else []), turning_bodies()
            )
        before = [] if name in WORLD else [FILM] if name in PIXELS else [FILM, dict(type='KeypointNoise'), ENCODE]
        return run_pipeline(build_pipeline(before), data.samples([0, 5, 3, len(data) + 5, 8]))

    return make


def copied(samples):
    """With arrays and keys of their own."""
    return [{k: v.copy() if isinstance(v, (np.ndarray, list)) else v for k, v in s.items()} for s in samples]


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


@pytest.mark.parametrize('name', [name for name in OURS if name != 'PackPose'])
def test_batches_are_their_clips(clips, name):
    """Each clip as if it were alone, whatever stands beside it; the arrays that were given stay as they are."""
    samples = clips(name)
    for config in variants(name):
        [step] = build_pipeline([config])
        given = copied(samples)
        batches = step.transform_batches(stack_samples(given))
        assert len(batches) == 1
        draws = set()
        for sample, before in zip(given, samples, strict=True):
            assert_same({**sample, 'random_key': 0}, {**before, 'random_key': 0})
            draws.add(sample['random_key'][-1] - before['random_key'][-1])
        assert draws in ({0}, {1})
        for sample, alone in zip(batches[0], copied(samples), strict=True):
            check_sample(sample)
            assert_same(sample, step(alone))
        assert_same(step(copied(samples)[1]), batches[0][1])  # and again: nothing is remembered


@pytest.mark.parametrize('name', OURS)
def test_what_a_transform_is_for_is_declared(name):
    kind = TRANSFORMS.get(name)
    assert (kind.films, kind.corrupts) == (name in FILMS, name in CORRUPTS)


@pytest.mark.parametrize(
    'name', sorted((FILMS | CORRUPTS | {'ResampleClip', 'CropScale', 'RandomMove', 'FlipPose'}) - {'LowScores'})
)
def test_draws_change_with_the_epoch(clips, name):
    [step] = build_pipeline([variants(name)[0]])
    sample = clips(name)[1]
    seen = []
    for epoch in range(8):
        changed = step({**sample, 'random_key': [0, epoch, 5, 2]})
        seen.append(b''.join(np.ascontiguousarray(v).tobytes() for v in changed.values() if isinstance(v, np.ndarray)))
    assert len(set(seen)) > 1


class Shortened(BaseTransform):
    """Another library's transform, which makes clips of several lengths."""

    def transform(self, sample):
        frames = 5 + sample['random_key'][2] % 2
        return {**sample, 'inputs': sample['inputs'][:frames], 'own': 3}


def test_foreign_transforms_are_wrapped(clips):
    samples = [{key: s[key] for key in ('inputs', 'skeleton', 'random_key')} for s in clips('JointMask')]
    steps = build_pipeline([Shortened(), lambda sample: {**sample, 'more': sample['own'] + 1}, dict(type='LowScores')])
    assert [isinstance(step, ForeignTransform) for step in steps] == [True, True, False]
    assert not (steps[0].films or steps[0].corrupts)
    changed = run_pipeline(steps, samples)
    for before, after in zip(samples, changed, strict=True):
        frames = 5 + before['random_key'][2] % 2
        assert after['inputs'].shape == (frames, 17, 3) and (after['own'], after['more']) == (3, 4)
        np.testing.assert_array_equal(after['inputs'][..., :2], before['inputs'][:frames, :, :2])
    assert run_pipeline(steps, []) == []


def test_own_transforms_may_make_clips_of_several_shapes(clips):
    class Cut(Transform):
        def apply(self, sample, rng):
            return {**sample, 'inputs': sample['inputs'][: rng.integers(2, 9)]}

    samples = [{key: s[key] for key in ('inputs', 'skeleton', 'random_key')} for s in clips('JointMask')]
    lengths = [len(s['inputs']) for s in run_pipeline([Cut()], copied(samples))]
    assert len(set(lengths)) > 1 and lengths == [len(Cut()(s)['inputs']) for s in copied(samples)]

    class Nothing(Transform):
        pass

    with pytest.raises(TypeError, match='Nothing must implement apply'):
        Nothing()(samples[0])

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.datasets.transforms import FittedNoise, FrameShuffle, GaussianNoise, LowScores, SwapSides
from poselifter.datasets.transforms.noise import fitted_noise, read_fit
from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton
from poselifter.structures import check_sample


def sample(frames=243, channels=3, index=0):
    inputs = np.random.default_rng(0).normal(size=(frames, 17, channels)).astype(np.float32)
    inputs[..., 2:] = 0.5
    inputs[3, 4] = 0  # a joint that is not there
    return {'inputs': inputs, 'skeleton': 'h36m17', 'random_key': [0, 0, index, 0]}


@pytest.fixture
def case(shared):
    with np.load(shared / 'fixtures/parity/motionbert/functions/noise.npz') as file:
        return dict(file)


def fit_of(case):
    fit = {key: case[key] for key in ('mean', 'std', 'weight', 'uniform_range', 'jitter_std')}
    return {**fit, 'confidence': dict(zip(('a', 'b', 'mean', 'std'), case['d2c'], strict=True))}


def test_fitted_noise_equals_the_original(case):
    names = {'select': 'sel', 'uniform': 'u_uniform', 'normal': 'z_gauss', 'jitter': 'z_jitter', 'score': 'z_conf'}
    draws = {key: case[f'draw_{name}'] for key, name in names.items()}
    out = fitted_noise(case['x'], draws, fit_of(case))
    # the original's positions between key frames are float32, which its scores feel 36 times
    np.testing.assert_allclose(out[..., :2], case['out'][..., :2], atol=2e-7)
    np.testing.assert_allclose(out[..., 2], case['out'][..., 2], atol=2e-6)
    np.testing.assert_array_equal(fitted_noise(case['x'][..., :2], draws, fit_of(case)), out[..., :2])


def test_parameters_are_the_published_ones(case, tmp_path):
    fit = read_fit()
    for key in ('mean', 'std', 'weight', 'uniform_range', 'jitter_std'):
        np.testing.assert_allclose(fit[key], case[key], atol=1e-9, rtol=1e-7)
    np.testing.assert_allclose(list(fit['confidence'].values()), case['d2c'], rtol=1e-9)
    assert fit['key_frames'] == case['num_keyframes']
    for text in ('', '[]', '{"mean": 1}'):
        (tmp_path / 'bad.json').write_text(text)
        with pytest.raises(InputError, match='no file of noise parameters'):
            read_fit.__wrapped__(str(tmp_path / 'bad.json'))


def test_fitted_noise_has_the_spread_of_its_parameters():
    fit, noise = read_fit(), FittedNoise()
    clips = [noise(sample(27, index=i)) for i in range(400)]  # 27 frames: each is a key frame
    check_sample(clips[0])
    error = np.stack([clip['inputs'] for clip in clips]) - sample(27)['inputs']
    error = np.delete(error, 3, 1)[..., :2].reshape(-1, 17, 2)
    weight = fit['weight'][:, None]
    mean = weight * fit['mean']
    square = weight * (fit['std'] ** 2 + fit['mean'] ** 2) + (1 - weight) * 0.06**2 / 12 + 0.002**2
    np.testing.assert_allclose(error.mean(0), mean, atol=4e-4)
    np.testing.assert_allclose((error**2).mean(0), square, rtol=0.1)
    scores = np.stack([clip['inputs'][..., 2] for clip in clips])
    assert scores.min() >= 0 and scores.max() <= 1 and 0.7 < scores.mean() < 0.9


def test_fitted_noise_is_slow_in_time():
    inputs = sample()['inputs']
    error = (FittedNoise()(sample())['inputs'] - inputs)[..., :2]
    keys = 27 - 1
    bends = np.abs(np.diff(error, 2, axis=0))
    assert bends.max() < 10 * 0.002 * 6**0.5 + 0.06 * keys / 242 * 4  # lines, and the jitter's second difference


@pytest.mark.parametrize('channels', [2, 3])
def test_joints_that_are_not_there_stay_so(channels):
    for noise in (FittedNoise(), GaussianNoise(0.1), LowScores(0.5)):
        assert not noise(sample(channels=channels))['inputs'][3, 4].any()
    assert FittedNoise(released=True)(sample(channels=channels))['inputs'][3, 4].any()


@pytest.mark.parametrize('sigma', [0.01, 0.03, 0.05])
def test_gaussian_noise_has_its_sigma(sigma):
    clip = sample()
    error = GaussianNoise(sigma)(clip)['inputs'] - clip['inputs']
    assert error[..., :2].std() == pytest.approx(sigma, rel=0.02) and not error[..., 2].any()
    assert abs(error[..., :2].mean()) < sigma / 20


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(1, 30) | st.none(), st.integers(0, 1000))
def test_shuffle_permutes_inside_blocks(frames, block, index):
    clip = {'inputs': np.arange(frames, dtype=np.float32)[:, None, None].repeat(2, 2), 'random_key': [0, 0, index, 0]}
    order = FrameShuffle(block)(clip)['inputs'][:, 0, 0]
    assert sorted(order) == list(range(frames))
    assert (order // (block or frames) == np.arange(frames) // (block or frames)).all()
    assert (clip['inputs'][:, 0, 0] == np.arange(frames)).all()


def test_scores_fall_and_sides_change():
    clip = sample()
    low = LowScores(0.3)(dict(clip))['inputs']
    np.testing.assert_allclose(low[..., 2], clip['inputs'][..., 2] * 0.3)
    np.testing.assert_array_equal(low[..., :2], clip['inputs'][..., :2])
    swapped = SwapSides(0.3)(dict(clip, random_key=[0, 0, 1, 0]))['inputs']
    mirror = clip['inputs'][:, get_skeleton('h36m17').flip_indices]
    wrong = (swapped == mirror).all((1, 2))
    np.testing.assert_array_equal(swapped, np.where(wrong[:, None, None], mirror, clip['inputs']))
    assert wrong.mean() == pytest.approx(0.3, abs=0.1)


def test_wrong_arguments(tmp_path):
    with pytest.raises(InputError, match='have 16 joints, the parameters 17'):
        FittedNoise()({**sample(), 'inputs': np.zeros((9, 16, 3), np.float32)})
    with pytest.raises(InputError, match='factor is 2, expected 0 to 1'):
        LowScores(2)
    assert json.dumps(read_fit()['confidence'])

"""Interpolation, smoothing and One-Euro against closed forms."""

import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.tracking import OneEuroFilter, interpolate, smooth

TIME = np.arange(300) / 30


def wave(hertz: float, time: np.ndarray = TIME) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * time)[:, None, None] * np.ones((1, 2, 3))


def test_cubic_at_uneven_times():
    times = (np.arange(400) + np.random.default_rng(0).uniform(-0.4, 0.4, 400)) / 40
    between = np.linspace(1, 9, 200)
    np.testing.assert_allclose(interpolate(wave(1, times), between, times), wave(1, between), atol=2e-3)
    assert interpolate(wave(1), TIME, TIME) is not None
    np.testing.assert_array_equal(interpolate(wave(1)[:1], np.array([-3, 5])), np.zeros((2, 2, 3)))
    np.testing.assert_allclose(interpolate(wave(1), np.array([-9.0, 999])), wave(1)[[0, -1]], atol=1e-12)


def test_a_doubled_rate_has_accelerations_in_every_frame():
    """By lines every other acceleration would be zero."""
    double = interpolate(wave(1), np.arange(599) / 2)
    size = np.abs(np.diff(double, 2, axis=0)).mean((1, 2))
    assert size[::2].mean() == pytest.approx(size[1::2].mean(), rel=0.01)
    linear = np.abs(np.diff(interpolate(wave(1), np.arange(599) / 2, degree=1), 2, axis=0)).mean((1, 2))
    assert linear[::2].max() < 1e-12 or linear[1::2].max() < 1e-12


@pytest.mark.parametrize('hertz', [2.0, 6.0])
def test_smoothing_halves_its_frequency_without_delay(hertz):
    inner = slice(60, -60)
    np.testing.assert_allclose(smooth(wave(hertz), 30, hertz)[inner], wave(hertz)[inner] / 2, atol=1e-4)
    np.testing.assert_allclose(smooth(wave(0.2), 30, hertz)[inner], wave(0.2)[inner], atol=2e-4)


def test_smoothing_keeps_lines_to_their_ends():
    line = np.linspace(0, 1, 50)[:, None]
    np.testing.assert_allclose(smooth(line, 30, 'strong'), line, atol=1e-9)
    for same in (smooth(line, 30, 'off'), smooth(line, 30, None), smooth(line, 10, 'light'), smooth(line[:2], 30, 1.0)):
        assert np.shares_memory(same, line)
    with pytest.raises(InputError, match="'off', 'light' or 'strong'"):
        smooth(line, 30, 'much')


def test_one_euro_calms_rest_and_follows_motion():
    rng, rest, fast = np.random.default_rng(0), OneEuroFilter(), OneEuroFilter()
    noise = rng.normal(0, 0.01, (300, 5, 3))
    calm = np.array([rest(x, t) for x, t in zip(noise, TIME, strict=True)])
    assert calm[30:].std() < 0.5 * noise.std()
    moving = np.array([fast(np.array([3 * t]), t) for t in TIME])  # 3 m/s: less than 3 cm behind
    assert np.abs(moving[60:, 0] - 3 * TIME[60:]).max() < 0.04

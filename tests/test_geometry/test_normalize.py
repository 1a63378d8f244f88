import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poselifter.geometry import (
    crop_scale,
    denormalize_screen,
    normalize_longer_side,
    normalize_screen,
)

pixels = arrays(np.float64, (3, 5, 2), elements=st.floats(-4000, 4000))
sizes = st.integers(1, 4000)


@pytest.mark.parametrize('system, name, key', [
    ('videopose3d', 'normalize_screen', 'x'),
    ('mixste', 'screen_coordinates', 'pixels'),
    ('pstmo', 'normalize_screen', 'x'),
])  # fmt: skip
def test_screen(published, system, name, key):
    case = published(system, name)
    size = int(case['w']), int(case['h'])
    np.testing.assert_allclose(normalize_screen(case[key], *size), case['out'], atol=1e-12)
    np.testing.assert_allclose(normalize_screen(torch.tensor(case[key]), *size), case['out'], atol=1e-12)
    np.testing.assert_allclose(denormalize_screen(case['out'], *size), case['back'], atol=1e-12)
    if 'out_1920x1080' in case:
        np.testing.assert_allclose(normalize_screen(case[key], 1920, 1080), case['out_1920x1080'], atol=1e-12)


def test_longer_side(published):
    case = published('motionbert', 'make_cam')
    np.testing.assert_allclose(normalize_longer_side(case['x'], 1920, 1080), case['out_landscape'], atol=1e-12)
    np.testing.assert_allclose(normalize_longer_side(case['x'], 1080, 1920), case['out_portrait'], atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(x=pixels, width=sizes, height=sizes)
def test_normalise_denormalise(x, width, height):
    screen, longer = normalize_screen(x, width, height), normalize_longer_side(x, width, height)
    np.testing.assert_allclose(denormalize_screen(screen, width, height), x, atol=1e-8)
    np.testing.assert_allclose((longer + 1) * max(width, height) / 2, x, atol=1e-8)
    for normalize in (normalize_screen, normalize_longer_side):
        assert normalize(torch.tensor(x).float(), width, height).dtype == torch.float32


@settings(max_examples=50, deadline=None)
@given(x=pixels, ratio=st.floats(1, 3))
def test_crop_scale_fits_the_square_around_all_joints(x, ratio):
    before = x.copy()
    y = crop_scale(x, np.ones((3, 5)), ratio)
    assert np.array_equal(x, before) and (abs(y) <= 1).all()
    np.testing.assert_allclose(crop_scale(torch.tensor(x), torch.ones(3, 5), ratio), y, atol=1e-9)
    low, high = x.min((0, 1)), x.max((0, 1))
    back = y * (high - low).max() * ratio / 2 + (low + high) / 2
    np.testing.assert_allclose(back, x, atol=1e-5 if (high - low).max() * ratio <= 1e-6 else 1e-8)

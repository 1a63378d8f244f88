import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poselifter.geometry import (
    crop_scale,
    denormalize_longer_side,
    denormalize_screen,
    normalize_longer_side,
    normalize_screen,
    uncrop_scale,
)

pixels = arrays(np.float64, (3, 5, 2), elements=st.floats(-4000, 4000))
sizes = st.integers(1, 4000)


@pytest.mark.parametrize(
    'system, name, key',
    [
        ('videopose3d', 'normalize_screen', 'x'),
        ('mixste', 'screen_coordinates', 'pixels'),
        ('pstmo', 'normalize_screen', 'x'),
    ],
)
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
    for there, back in ((normalize_screen, denormalize_screen), (normalize_longer_side, denormalize_longer_side)):
        np.testing.assert_allclose(back(there(x, width, height), width, height), x, atol=1e-8)
        assert there(torch.tensor(x).float(), width, height).dtype == torch.float32


@settings(max_examples=50, deadline=None)
@given(x=pixels, ratio=st.floats(1, 3))
def test_crop_scale_and_back(x, ratio):
    before = x.copy()
    y, box = crop_scale(x, np.ones((3, 5)), ratio)
    assert np.array_equal(x, before) and (abs(y) <= 1).all()
    np.testing.assert_allclose(crop_scale(torch.tensor(x), torch.ones(3, 5), ratio)[0], y, atol=1e-9)
    if box.side > 1e-6:
        np.testing.assert_allclose(uncrop_scale(y, box), x, atol=1e-8)
    else:
        np.testing.assert_allclose(uncrop_scale(y, box) - x, 0, atol=1e-5)

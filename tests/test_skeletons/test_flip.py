import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from poselifter.errors import InputError
from poselifter.skeletons import flip_keypoints, get_skeleton, list_skeletons


def test_mixste_flip(shared):
    case = np.load(shared / 'fixtures/parity/mixste/functions/flip.npz')
    assert np.array_equal(flip_keypoints(case['x'], 'h36m17'), case['out'])
    assert np.array_equal(flip_keypoints(torch.tensor(case['x']), 'h36m17').numpy(), case['out'])


def test_motionbert_flip(shared):
    case = np.load(shared / 'fixtures/parity/motionbert/functions/flip_data.npz')
    assert np.array_equal(flip_keypoints(case['x'], get_skeleton('h36m17')), case['out'])
    assert np.array_equal(flip_keypoints(torch.tensor(case['x3']), 'h36m17').numpy(), case['out3'])


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(list_skeletons()), shape=array_shapes(min_dims=0, max_dims=2, max_side=3), data=st.data())
def test_twice_is_identity(name, shape, data):
    shape = (*shape, get_skeleton(name).num_joints, data.draw(st.integers(1, 4)))
    x = data.draw(arrays(np.float32, shape, elements=st.floats(width=32), fill=st.just(1.0)))
    before = x.copy()
    assert np.array_equal(flip_keypoints(flip_keypoints(x, name), name), x, equal_nan=True)
    assert np.array_equal(x, before, equal_nan=True)
    once = flip_keypoints(torch.tensor(x), get_skeleton(name).flip_indices)
    assert np.array_equal(once.numpy(), flip_keypoints(x, name), equal_nan=True)


def test_wrong_number_of_joints_is_named():
    with pytest.raises(InputError, match=r'\(16, 2\), expected \(\.\.\., 17, C\)'):
        flip_keypoints(np.zeros((16, 2)), 'h36m17')

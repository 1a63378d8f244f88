import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poselifter.errors import InputError
from poselifter.structures import WindowPolicy


def windows(policy, n_frames):
    return policy.input_frames(policy.starts(n_frames), n_frames)


@pytest.mark.parametrize(('case', 'tail'), [('eval_chunks', 'shift'), ('train_chunks', 'centre')])
def test_mixste_clips(shared, case, tail):
    arrays = np.load(shared / f'fixtures/parity/mixste/functions/{case}.npz')
    assert arrays.files
    for name in arrays.files:
        n_frames, length = (int(part[1:]) for part in name.split('_'))
        np.testing.assert_array_equal(windows(WindowPolicy(length, tail=tail), n_frames), arrays[name])


def test_poseformer_windows(shared):
    case = np.load(shared / 'fixtures/parity/poseformer/functions/eval_windows.npz')
    for name in case.files:
        np.testing.assert_array_equal(windows(WindowPolicy(9, stride=1, outputs=1), int(name[1:])), case[name])


@pytest.mark.parametrize(
    ('name', 'first'), [('videopose3d/functions/chunks_stride3_pad2_shift0', 1), ('pstmo/functions/tds_chunks_test', 0)]
)
def test_chunks(shared, name, first):
    """x of a case is frame + 100 * joint + first; lists with mirrored copies are in test_clip_batch.py."""
    case = np.load(shared / f'fixtures/parity/{name}.npz')
    stride, pad, shift = int(case.get('stride', 1)), int(case['pad']), int(case.get('causal_shift', 0))
    policy = {'length': stride + 2 * pad, 'stride': stride, 'outputs': stride, 'lead': pad + shift, 'tail': 'centre'}
    found = [windows(WindowPolicy(**policy, dilation=int(case.get('tds', 1))), int(n)) for n in case['lengths']]
    plain = case['records'][:, 3] == 0
    np.testing.assert_array_equal(np.concatenate(found), case['batch_2d'][plain][:, :, 0, 0] - first)


@pytest.mark.parametrize('name', ['unchunked_pad2_shift0', 'unchunked_pad1_shift1'])
def test_videopose3d_whole_videos(shared, name):
    case = np.load(shared / f'fixtures/parity/videopose3d/functions/{name}.npz')
    pad, shift = int(case['pad']), int(case['causal_shift'])
    for video in range(3):
        padded = case[f'batch_2d_{video}'][0]
        n = len(padded) - 2 * pad
        policy = WindowPolicy(n + 2 * pad, outputs=n, lead=pad + shift)
        inside = padded[pad + shift : pad + shift + n]
        np.testing.assert_array_equal(inside[windows(policy, n)[0]], padded)


def test_pstmo_3dhp_test_windows_stand_on_valid_frames(shared):
    case = np.load(shared / 'fixtures/parity/pstmo/functions/mpi3dhp_chunks_test.npz')
    policy = WindowPolicy(2 * int(case['pad']) + 1, stride=1, outputs=1)
    lists = [policy.input_frames(np.flatnonzero(case[f'valid_{v}']), n) for v, n in enumerate(case['lengths'])]
    np.testing.assert_array_equal(np.concatenate(lists), case['batch_2d'][..., 0, 0])


policies = st.builds(
    WindowPolicy, length=st.integers(1, 30), stride=st.integers(1, 12) | st.none(),
    tail=st.sampled_from(['shift', 'pad', 'centre']), merge=st.sampled_from(['mean', 'blend']),
)  # fmt: skip


@given(policies, st.integers(1, 200))
def test_merging_a_function_of_the_frame_gives_it_back(policy, n_frames):
    """Each window returns the number of each of its frames: the merged sequence is 0, 1, 2, ..."""
    if policy.stride > policy.length:
        return
    cut = policy.cut(n_frames)
    merged = cut.merge(torch.from_numpy(cut.outputs).double()[..., None])
    np.testing.assert_allclose(merged[:, 0].numpy(), np.arange(n_frames), atol=1e-4)


@given(policies, st.integers(1, 200))
def test_weights_of_a_frame_sum_to_one(policy, n_frames):
    if policy.stride > policy.length:
        return
    cut = policy.cut(n_frames)
    inside = cut.outputs >= 0
    totals = np.bincount(cut.outputs[inside], cut.weights[inside], minlength=n_frames)
    np.testing.assert_allclose(totals, 1, atol=1e-5)
    assert (cut.weights[~inside] == 0).all()
    assert cut.inputs.min() >= 0
    assert cut.inputs.max() < n_frames


def test_blend_trusts_the_middle_of_a_window():
    cut = WindowPolicy(4, stride=2, merge='blend').cut(6)
    # frames 2 and 3 are slots 2, 3 of the first window (weights 2, 1) and slots 0, 1 of the second (1, 2)
    np.testing.assert_allclose(cut.weights[0], [1, 1, 2 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(cut.weights[1], [1 / 3, 2 / 3, 1, 1], atol=1e-6)


def test_merge_is_differentiable():
    cut = WindowPolicy(3, stride=1).cut(5)
    values = torch.randn(len(cut.outputs), 3, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(cut.merge, values)


@pytest.mark.parametrize(
    'wrong',
    [{'length': 0}, {'length': 9, 'stride': 0}, {'length': 9, 'outputs': 3, 'lead': 8}, {'length': 9, 'dilation': 2},
     {'length': 9, 'tail': 'wrap'}, {'length': 9, 'merge': 'max'}],
)  # fmt: skip
def test_wrong_settings(wrong):
    with pytest.raises(InputError, match=r'WindowPolicy: .* expected|needs'):
        WindowPolicy(**wrong)


def test_empty_sequence():
    with pytest.raises(InputError, match='0 frames'):
        WindowPolicy(9).cut(0)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poselifter.datasets.transforms import ChangeFrameRate, EdgePad, RandomWindow, ResampleClip
from poselifter.datasets.transforms.clips import resample_frames
from poselifter.errors import InputError
from poselifter.structures import check_sample


def sample(frames=10, persons=None, index=0):
    """A clip that counts its frames in every array."""
    count = np.arange(frames, dtype=np.float32)
    keypoints = np.broadcast_to(count[:, None, None], (*([persons] if persons else []), frames, 17, 2))
    return {
        'keypoints': keypoints.astype(np.float32),
        'target': np.broadcast_to(count[:, None, None], (frames, 17, 3)).astype(np.float32),
        'target_weight': np.ones((frames, 17), np.float32),
        'frame_indices': np.arange(frames),
        'fps': 30.0,
        'random_key': [0, 0, index, 0],
    }


def test_frames_are_those_of_the_original(shared):
    with np.load(shared / 'fixtures/parity/motionbert/functions/resample.npz') as case:
        for name in case.files:
            mode, n, length = name.split('_')[0], *map(int, name.split('_')[1:])
            theirs = np.random.RandomState(7)
            if mode == 'random' and n < length:  # their coin 1 takes the frame below, ours above one half
                draws = 0.25 + theirs.randint(2, size=length) / 2
            elif mode == 'random':
                draws = theirs.random_sample(length)
            else:
                first = theirs.randint(n - length) if mode == 'replay' and n > length else 0
                draws = np.full(length, (first + 0.5) / max(n - length + 1, 1))
            np.testing.assert_array_equal(resample_frames(n, length, mode, draws), case[name])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(['even', 'random', 'replay']), st.integers(0, 999))
def test_frames_are_in_range_and_in_order(n, length, mode, seed):
    frames = resample_frames(n, length, mode, np.random.default_rng(seed).random(length))
    assert frames.shape == (length,) and frames.min() >= 0 and frames.max() < n
    if mode != 'replay':
        assert (np.diff(frames) >= 0).all() and abs(frames - np.arange(length) * n / length).max() <= max(n / length, 1)
        assert n > length or (set(range(n)) >= set(frames) and (mode == 'random' or set(frames) == set(range(n))))
    else:
        assert set(np.diff(frames)) <= {1, 1 - n}


def test_replay_starts_anywhere():
    starts = {int(ResampleClip(5, 'replay')(sample(index=i))['frame_indices'][0]) for i in range(200)}
    assert starts == set(range(6))


@pytest.mark.parametrize('persons', [None, 2])
def test_every_array_follows(persons):
    for transform in (
        ResampleClip(23, 'random'),
        ResampleClip(4),
        EdgePad(23),
        ChangeFrameRate(2),
        ChangeFrameRate(0.4),
    ):
        clip = sample(persons=persons)
        out = transform(dict(clip))
        check_sample(out)
        frames = out['frame_indices']
        assert (out['keypoints'] == frames[:, None, None]).all() and (out['target'] == frames[:, None, None]).all()
        assert (clip['frame_indices'] == np.arange(10)).all()


def test_padding_repeats_the_last_frame_and_is_marked():
    out = EdgePad(14)(sample())
    assert out['frame_indices'].tolist() == [*range(10), 9, 9, 9, 9]
    assert out['valid'].tolist() == [True] * 10 + [False] * 4
    assert out['target_weight'][:10].all() and not out['target_weight'][10:].any()
    assert EdgePad(5)(sample())['valid'].all() and len(EdgePad(5)(sample())['valid']) == 10


def test_frame_rates():
    assert ChangeFrameRate(2)(sample(9))['frame_indices'].tolist() == [0, 2, 4, 6, 8]
    assert ChangeFrameRate(0.5)(sample(3))['frame_indices'].tolist() == [0, 0, 1, 1, 2, 2]
    assert ChangeFrameRate(1.5)(sample(9))['frame_indices'].tolist() == [0, 1, 3, 4, 6, 7]
    assert ChangeFrameRate(2)(sample(9))['fps'] == 15
    assert ChangeFrameRate(1)(sample())['frame_indices'].tolist() == list(range(10))


def test_wrong_arguments():
    with pytest.raises(InputError, match="expected 'even', 'random' or 'replay'"):
        ResampleClip(9, 'stretch')
    with pytest.raises(InputError, match='above 0'):
        ChangeFrameRate(0)


@given(n_frames=st.integers(1, 40), length=st.integers(1, 40), seed=st.integers(0, 9))
def test_a_random_window_is_a_run_of_frames(n_frames, length, seed):
    clip = np.arange(n_frames, dtype=np.float32)[:, None, None].repeat(17, 1)
    sample = RandomWindow(length)({'inputs': clip, 'random_key': [seed, 0, 0, 0]})
    frames = sample['inputs'][:, 0, 0]
    assert len(frames) == min(n_frames, length) and (np.diff(frames) == 1).all()
    assert frames[0] == 0 or n_frames > length


def test_every_window_comes_up():
    clip, starts = np.arange(5, dtype=np.float32)[:, None, None], set()
    for seed in range(60):
        starts.add(RandomWindow(3)({'inputs': clip, 'random_key': [seed, 0, 0, 0]})['inputs'][0, 0, 0])
    assert starts == {0, 1, 2}

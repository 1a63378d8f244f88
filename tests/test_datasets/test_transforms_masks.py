import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from poselifter.datasets.clip_batch import run_pipeline
from poselifter.datasets.transforms import (
    BodyPartMask,
    FrameMask,
    FrameRemoval,
    JointMask,
    JointReplacement,
    MaskMixture,
    SpanMask,
    TimeWindowMask,
)
from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton
from poselifter.structures import check_sample

PARTS = get_skeleton('h36m17').parts


class Recorded:
    """A generator that gives back recorded uniform numbers."""

    def __init__(self, draws):
        self.draws = draws

    def random(self, shape):
        return self.draws.reshape(shape)


def sample(frames=27, joints=17, index=0, seed=0):
    inputs = np.random.default_rng(seed).normal(size=(frames, joints, 3)).astype(np.float32)
    return {'inputs': inputs, 'skeleton': 'h36m17', 'random_key': [seed, 0, index, 0]}


def draws(mask, n, frames=243, joints=17):
    rng = np.random.default_rng(2)
    return np.stack([mask.draw((frames, joints), 'h36m17', rng) for _ in range(n)])


def test_joint_and_frame_masks_equal_the_original(shared):
    with np.load(shared / 'fixtures/parity/motionbert/functions/mask.npz') as case:
        joint, frame = JointMask(float(case['mask_ratio'])), FrameMask(float(case['mask_T_ratio']))
        for x, draw, expected in zip(case['x'], case['draw_joint'], case['out'], strict=True):
            hidden = joint.draw(x.shape[:2], 'h36m17', Recorded(draw))
            hidden = hidden | frame.draw(x.shape[:2], 'h36m17', Recorded(case['draw_frame']))
            np.testing.assert_array_equal(np.where(hidden[..., None], 0, x), expected)


def test_removed_frames_are_counted_as_in_the_original(shared):
    with np.load(shared / 'fixtures/parity/pstmo/functions/temporal_mask_count.npz') as case:
        for frames, rate, count in zip(case['frames'], case['rate'], case['out'], strict=True):
            mask = draws(FrameRemoval(float(rate)), 1, int(frames))[0]
            assert mask.all(1).sum() == mask.any(1).sum() == count


@pytest.mark.parametrize('prob, length', [(6, 5), (7, 5), (8, 5), (5, 3), (6, 1)])
def test_spans_have_the_statistics_of_the_original(shared, prob, length):
    folder = shared / 'fixtures/parity/motion2vec/functions/span_masks'
    name = f'mask_p{prob}_len{length}'
    known = json.loads((folder / 'meta.json').read_text())['statistics_over_40_clips_of_243_frames'][name]
    masks = draws(SpanMask(prob / 10, length), 200)
    counts = masks.sum(-1)
    assert (counts == counts[:, :1]).all()  # as many in every frame of a clip
    assert np.mean(counts == known['masked_joints_per_clip_values'][0]) > 0.97  # a clip without the fewest is rare
    assert masks.mean() == pytest.approx(known['masked_fraction'], rel=0.01)
    np.testing.assert_allclose(masks.mean((0, 1)), known['per_joint'], atol=0.018)
    theirs = np.load(folder / f'{name}.npy')
    assert (theirs.sum(-1) == theirs.sum(-1)[:, :1]).all() and not theirs[..., -1].any() and not masks[..., -1].any()
    assert len(set(draws(SpanMask(prob / 10, length, same_count=False), 1).sum(-1)[0])) > 1


def test_spans_that_hide_a_whole_frame_are_refused():
    with pytest.raises(InputError, match='hide a whole frame'):
        draws(SpanMask(1.0, 8), 20, joints=9)


def kind(mask):
    """Which strategy of ActionPose made a mask."""
    if (mask == mask[:1]).all() and mask.any():
        return 'part'
    rows = np.flatnonzero(mask.any(1))
    whole = (mask == mask[:, :1]).all() and len(rows) and np.ptp(rows) + 1 == len(rows)
    return 'window' if whole else 'random'


def test_mixture_has_the_shares_of_actionpose():
    masks = draws(MaskMixture(), 10_000)
    kinds = np.array([kind(mask) for mask in masks])
    for name, share in (('random', 0.5), ('part', 0.25), ('window', 0.25)):
        assert np.mean(kinds == name) == pytest.approx(share, abs=0.015)
    lengths = masks[kinds == 'window'][:, :, 0].sum(1)
    assert set(lengths) == set(range(30, 81))
    hidden = [frozenset(np.flatnonzero(mask[0])) for mask in masks[kinds == 'part']]
    for joints in PARTS.values():
        assert hidden.count(frozenset(joints)) / len(hidden) == pytest.approx(1 / 6, abs=0.03)
    random = masks[kinds == 'random']
    whole = random.all(-1)
    assert whole.mean() == pytest.approx(0.15, abs=0.002)
    assert random[~whole].mean() == pytest.approx(0.05, abs=0.002)


def test_mixture_may_leave_clips_alone():
    masks = draws(MaskMixture(probs=(0, 0.25, 0.25)), 2000, 9)
    assert masks.any((1, 2)).mean() == pytest.approx(0.5, abs=0.04)
    for probs in ((1,), (0.7, 0.7, 0), (-0.1, 0.5, 0)):
        with pytest.raises(InputError, match='expected 3 numbers'):
            MaskMixture(probs)


def test_windows_of_other_lengths_are_scaled_and_reach_every_place():
    masks = draws(TimeWindowMask(), 3000, frames=27)[..., 0]
    found = {(int(mask.argmax()), int(mask.sum())) for mask in masks}
    assert found == {(start, n) for n in range(3, 10) for start in range(27 - n + 1)}
    assert draws(TimeWindowMask(), 5, frames=1).all()


def test_parts_are_those_of_the_skeleton():
    found = {frozenset(np.flatnonzero(mask[0])) for mask in draws(BodyPartMask(), 300, 5)}
    assert found == {frozenset(joints) for joints in PARTS.values()}
    with pytest.raises(InputError, match='coco17 has no parts'):
        BodyPartMask().draw((5, 17), 'coco17', np.random.default_rng(0))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(2, 20), st.floats(0, 1), st.integers(0, 10**6))
def test_counts_are_exact(frames, joints, rate, seed):
    rng = np.random.default_rng(seed)
    count = int(rate * (joints - 1))
    for released in (False, True):
        mask = JointReplacement(count, released).draw((frames, joints), 'h36m17', rng)
        assert (mask.sum(1) == count).all() and not (released and mask[:, -1].any())
    mask = FrameRemoval(rate).draw((frames, joints), 'h36m17', rng)
    assert mask.all(1).sum() == mask.any(1).sum() == int(frames * rate)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(6, 20), st.floats(0, 0.6), st.integers(1, 4), st.integers(0, 10**6))
def test_spans_hide_as_many_in_every_frame(frames, joints, prob, length, seed):
    mask = SpanMask(prob, length).draw((frames, joints), 'h36m17', np.random.default_rng(seed))
    free = SpanMask(prob, length, same_count=False).draw((frames, joints), 'h36m17', np.random.default_rng(seed))
    assert mask.shape == free.shape == (frames, joints) and not (mask & ~free).any()  # hides no more than the spans
    assert (mask.sum(1) == free.sum(1).min()).all() and mask.any(1).all()
    assert free.sum(1).max() <= length * max(int(prob * joints / length) + 1, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 100), st.integers(0, 100), st.integers(0, 10**6))
def test_windows_are_whole_neighbouring_frames_in_range(frames, shortest, more, seed):
    lengths = shortest, shortest + more
    mask = TimeWindowMask(lengths).draw((frames, 17), 'h36m17', np.random.default_rng(seed))
    rows = np.flatnonzero(mask.any(1))
    assert (mask == mask[:, :1]).all() and np.ptp(rows) + 1 == len(rows)
    low, high = (n * frames / 243 for n in lengths)
    assert min(max(low - 0.5, 1), frames) <= len(rows) <= max(high + 0.5, 1)


def test_every_window_of_243_frames_starts_anywhere():
    masks = draws(TimeWindowMask(), 10_000)[..., 0]
    lengths, starts = masks.sum(1), masks.argmax(1)
    assert (lengths.min(), lengths.max()) == (30, 80) and (starts + lengths).max() == 243
    counts = np.bincount(lengths, minlength=81)[30:]
    assert stats.chisquare(counts).pvalue > 0.01  # each length as likely
    shares = (starts + 0.5) / (244 - lengths)
    assert stats.kstest(shares, 'uniform').pvalue > 0.01  # each start of a length as likely


MASKS = [
    JointMask(0.3), FrameMask(0.3), TimeWindowMask(), FrameRemoval(0.5), JointReplacement(3), SpanMask(),
    MaskMixture(),
]  # fmt: skip


@pytest.mark.parametrize('mask', MASKS, ids=lambda m: type(m).__name__)
def test_clips_of_a_batch_and_copies_of_a_clip_have_masks_of_their_own(mask):
    """Unequal, and as often hidden together as chance has it."""
    clips = [{**sample(index=i), 'random_key': [0, 0, i, 0]} for i in range(400)]
    mask = copy.copy(mask)
    mask.write, mask.copies = 'mask', 2
    found = np.stack([clip['masks'] for clip in run_pipeline([mask], clips)]).reshape(800, -1)
    for first, second in ((found[0::2], found[1::2]), (found[:-2], found[2:])):  # copies; neighbouring clips
        assert (first != second).any(1).mean() > 0.9
        together, chance = (first & second).mean(), (first.mean(0) * second.mean(0)).mean()
        assert together == pytest.approx(chance, abs=0.03)


def test_every_place_is_as_likely():
    joints = draws(JointReplacement(2), 200)
    np.testing.assert_allclose(joints.mean((0, 1)), 2 / 17, atol=0.01)
    assert draws(JointReplacement(2, released=True), 200)[..., -1].sum() == 0
    np.testing.assert_allclose(draws(FrameRemoval(0.8), 2000, 27)[..., 0].mean(0), 21 / 27, atol=0.05)


def test_masks_for_a_pretrainer_add_up():
    clip = JointReplacement(2)(FrameRemoval(0.5)(sample()))
    check_sample(clip)
    assert clip['mask'].dtype == bool
    np.testing.assert_array_equal(clip['inputs'], sample()['inputs'])
    removed = clip['mask'].all(1)
    assert removed.sum() == 13 and (clip['mask'][~removed].sum(1) == 2).all()
    both = run_pipeline([FrameRemoval(0.5, copies=3), JointReplacement(2, copies=3)], [sample(), sample(index=1)])
    for masks in (both[0]['masks'], JointReplacement(2, copies=3)(FrameRemoval(0.5, copies=3)(sample()))['masks']):
        assert (masks.all(2).sum(1) == 13).all() and (masks[~masks.all(2)].sum(1) == 2).all()
    several = SpanMask(copies=3)(sample())
    check_sample(several)
    assert several['masks'].shape == (3, 27, 17) and not (several['masks'][0] == several['masks'][1]).all()
    left = JointMask(0.5)
    left.write = 'mask'
    np.testing.assert_array_equal(left(sample())['mask'], (JointMask(0.5)(sample())['inputs'] == 0).all(-1))


def test_arguments_out_of_range():
    for build in (lambda: JointMask(1.5), lambda: FrameRemoval(-0.1), lambda: SpanMask(2)):
        with pytest.raises(InputError, match='expected 0 to 1'):
            build()
    with pytest.raises(InputError, match='expected 0 to 16'):
        JointReplacement(17, released=True)(sample())


def test_a_window_hides_frames_of_a_short_clip():
    """Of a clip padded to 243 frames 12 to 33 % of what is real, at any place; the padding as its last frame."""
    mask = TimeWindowMask()
    for count in (45, 60, 100, 243):
        found = set()
        for i in range(400):
            clip = sample(243, index=i) | {'valid': np.arange(243) < count}
            hidden = (run_pipeline([mask], [clip])[0]['inputs'] == 0).all((1, 2))
            assert (hidden[count:] == hidden[count - 1]).all()
            found.add((int(hidden[:count].argmax()), int(hidden[:count].sum())))
        lengths, starts = {n for _, n in found}, {start for start, _ in found}
        assert (min(lengths), max(lengths)) == (round(30 * count / 243), round(80 * count / 243))
        assert min(starts) == 0 and max(start + n for start, n in found) == count


def test_masks_of_pretrainers_that_count_frames_reach_the_padding():
    clip = sample(40) | {'valid': np.arange(40) < 10}
    assert run_pipeline([FrameRemoval(0.5)], [clip])[0]['mask'].all(1).sum() == 20

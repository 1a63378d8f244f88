import json

import numpy as np
import pytest
import torch

from poselifter.errors import InputError
from poselifter.models.losses import (
    bone_angle,
    bone_angle_velocity,
    bone_velocity,
    joint_l1,
    limb_length,
    limb_length_variance,
    limb_symmetry,
    mpjpe,
    n_mpjpe,
    velocity,
    weighted_mpjpe,
)
from poselifter.registry import LOSSES
from poselifter.skeletons import get_skeleton

BONES = get_skeleton('h36m17').bones
ALL = {
    'limb_length': limb_length, 'bone_angle': bone_angle, 'bone_angle_velocity': bone_angle_velocity,
    'limb_length_variance': limb_length_variance, 'limb_symmetry': limb_symmetry, 'bone_velocity': bone_velocity,
}  # fmt: skip


def poses(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, 17, 3, generator=generator, dtype=dtype) for _ in range(2)]


def stretched(lengths):
    """Poses (..., 17, 3) whose bones have these lengths (..., 16)."""
    directions = torch.nn.functional.normalize(poses()[0], dim=-1)
    joints = [lengths.new_zeros(*lengths.shape[:-1], 3)]
    for (parent, child), length in zip(BONES, lengths.unbind(-1), strict=True):
        joints.append(joints[parent] + length[..., None] * directions[child])
    return torch.stack(joints, -2)


@pytest.mark.parametrize(
    ('function', 'name'),
    [(limb_length, 'loss_limb_gt'), (bone_angle, 'loss_angle'), (bone_angle_velocity, 'loss_angle_velocity')],
)
def test_equals_official(parity, function, name):
    data = parity('motionbert/functions').functions(name)
    torch.testing.assert_close(function(data['pred'], data['target']), data['out'], rtol=1e-5, atol=0)
    if 'out_one_frame' in data:
        assert function(data['pred'][:, :1], data['target'][:, :1]) == data['out_one_frame']


def test_variance_equals_official(parity):
    data = parity('motionbert/functions').functions('loss_limb_var')
    torch.testing.assert_close(limb_length_variance(data['x']), data['out'], rtol=1e-5, atol=0)
    assert limb_length_variance(data['x_one_frame']) == data['out_one_frame'] == 0


def test_lengths_and_angles_are_the_official_ones_in_their_order(parity):
    # against a body whose lengths are 0: the mean length; frame by frame and bone by bone through the weights
    case = parity('motionbert/functions')
    data = case.functions('get_limb_lens')
    for bone, (parent, child) in enumerate(BONES):
        weight = torch.zeros(2, 9, 17)
        weight[..., [parent, child]] = 1
        loss = limb_length(torch.zeros_like(data['x']), data['x'], weight=weight)
        torch.testing.assert_close(loss, data['out'][..., bone].mean(), rtol=1e-5, atol=0)
    # an angle between bones without length is pi / 2, so that every angle's distance to it can be told
    for name in ('get_angles', 'get_angles_zero_limb'):
        data = case.functions(name)
        for pair, (first, second) in enumerate(get_skeleton('h36m17').bone_pairs):
            weight = torch.zeros(2, 9, 17)
            weight[..., [*BONES[first], *BONES[second]]] = 1
            loss = bone_angle(torch.zeros_like(data['x']), data['x'], weight=weight)
            torch.testing.assert_close(loss, (data['out'][..., pair] - torch.pi / 2).abs().mean(), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ('name', 'form', 'factor'),
    [('weighted_bonelen_loss', 'squared', 0.001), ('weighted_boneratio_loss', 'relative', 0.1)],
)
def test_forms_equal_the_official_losses_of_given_lengths(parity, name, form, factor):
    data = parity('motionbert/functions').functions(name)
    loss = limb_length(stretched(data['pred_len']), stretched(data['gt_len']), form)
    torch.testing.assert_close(factor * loss, data['out'], rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ('function', 'name', 'factor'),
    [(limb_symmetry, 'symmetry_penalty', 0.01 * 6), (bone_velocity, 'bone_length_consistency', 0.01 * 16)],
)
def test_terms_of_mixste_equal_official(parity, function, name, factor):
    data = parity('mixste/functions').functions(name)
    torch.testing.assert_close(factor * function(data['pred']), data['out'], rtol=1e-6, atol=0)


def test_motionagformer_terms_and_total(shared):
    folder = shared / 'fixtures/parity/motionagformer/functions/losses_metrics'
    meta = json.loads((folder / 'meta.json').read_text())
    read = {name: torch.from_numpy(np.load(folder / f'{name}.npy')) for name in ('predicted', 'target', 'weight')}
    pred, target = read['predicted'], read['target']
    ours = {
        'loss_mpjpe': mpjpe, 'n_mpjpe': n_mpjpe, 'loss_velocity': velocity, 'loss_limb_var': limb_length_variance,
        'loss_limb_gt': limb_length, 'loss_angle': bone_angle, 'loss_angle_velocity': bone_angle_velocity,
        'loss_joint': joint_l1,
    }  # fmt: skip
    for name, function in ours.items():
        assert function(pred, target).item() == pytest.approx(meta['values'][name], rel=1e-5), name
    for name, value in meta['single_frame_values'].items():
        assert ours[name](pred[:, :1], target[:, :1]) == value
    weighted = weighted_mpjpe(pred, target, read['weight']).item()
    assert weighted == pytest.approx(meta['values']['weighted_mpjpe'], rel=1e-5)
    modules = {
        'lambda_scale': 'NMPJPELoss', 'lambda_3d_velocity': 'VelocityLoss', 'lambda_lv': 'LimbLengthVarianceLoss',
        'lambda_lg': 'LimbLengthLoss', 'lambda_a': 'BoneAngleLoss', 'lambda_av': 'BoneAngleVelocityLoss',
    }  # fmt: skip
    factors = {'MPJPELoss': 1.0, **{modules[name]: factor for name, factor in meta['weights'].items()}}
    losses = [LOSSES.build({'type': name, 'loss_weight': factor}) for name, factor in factors.items()]
    assert sum(loss(pred, target) for loss in losses).item() == pytest.approx(meta['total_with_weights'], rel=1e-5)


def test_angles_lie_between_bones_that_meet():
    # MotionBERT's list lacks one of the 19, nose with left shoulder; a set without a list of its own has all
    def meeting(bones):
        return {(i, j) for j in range(len(bones)) for i in range(j) if {*bones[i]} & {*bones[j]}}

    skeleton = get_skeleton('h36m17')
    pairs = {tuple(sorted(pair)) for pair in skeleton.bone_pairs}
    assert len(skeleton.bone_pairs) == len(pairs) == 18
    assert meeting(skeleton.bones) - pairs == {(8, 10)} and pairs < meeting(skeleton.bones)
    assert skeleton.bones[8] == (8, 9) and skeleton.bones[10] == (8, 11)
    for name in ('cmu17', 'smpl24'):
        assert set(get_skeleton(name).bone_pairs) == meeting(get_skeleton(name).bones)
    assert get_skeleton('coco17').bone_pairs == ()


def test_bones_do_not_see_where_the_body_is_nor_how_it_turns(rng):
    pred, target = poses(2, 4, dtype=torch.float64)
    turn = torch.linalg.qr(torch.from_numpy(rng.normal(size=(3, 3))))[0]
    shift = torch.from_numpy(rng.normal(size=(2, 4, 1, 3)))
    for function in (limb_length, bone_angle, bone_angle_velocity, limb_length_variance, limb_symmetry):
        torch.testing.assert_close(function(pred @ turn + shift, target), function(pred, target))
    torch.testing.assert_close(bone_velocity(pred @ turn + shift), bone_velocity(pred))
    torch.testing.assert_close(bone_angle(3 * pred, target), bone_angle(pred, target))
    assert bone_velocity(pred[:, :1] + shift) < 1e-12  # a stiff body that only shifts
    mirrored = pred[..., get_skeleton('h36m17').flip_indices, :]
    torch.testing.assert_close(limb_symmetry(mirrored), limb_symmetry(pred))


@pytest.mark.parametrize('name', ALL)
def test_a_missing_joint_takes_its_bones_with_it(name):
    # without both wrists the others are a body of their own, whose tree and pairs we cut by hand
    pred, target = poses(2, 4)
    weight = torch.ones(2, 4, 17)
    weight[..., [13, 16]] = 0
    target[..., [13, 16], :] = float('nan')
    kept = [i for i, (_, child) in enumerate(BONES) if child not in (13, 16)]
    expected = _by_hand(name, pred, target.nan_to_num(), kept)
    torch.testing.assert_close(ALL[name](pred, target, weight=weight), expected)


def _by_hand(name, pred, target, kept):
    """The losses once more, bone by bone in loops."""

    def bone(pose, i):
        return pose[..., BONES[i][1], :] - pose[..., BONES[i][0], :]

    def angle(pose, i, j):
        a, b = bone(pose, i), bone(pose, j)
        return torch.atan2(torch.linalg.cross(a, b).norm(dim=-1), (a * b).sum(-1))

    pairs = [pair for pair in get_skeleton('h36m17').bone_pairs if set(pair) <= set(kept)]
    length = {i: (bone(pred, i).norm(dim=-1), bone(target, i).norm(dim=-1)) for i in kept}
    partner = {3: 0, 4: 1, 5: 2, 10: 13, 11: 14, 12: 15}
    values = {
        'limb_length': lambda: [(a - b).abs() for a, b in length.values()],
        'limb_length_variance': lambda: [a.var(1) for a, _ in length.values()],
        'bone_angle': lambda: [(angle(pred, *p) - angle(target, *p)).abs() for p in pairs],
        'bone_angle_velocity': lambda: [
            (angle(pred, *p).diff(dim=1) - angle(target, *p).diff(dim=1)).abs() for p in pairs
        ],
        'limb_symmetry': lambda: [(length[i][0] - length[j][0]).abs() for i, j in partner.items() if i in kept],
        'bone_velocity': lambda: [bone(pred, i).diff(dim=1).norm(dim=-1) for i in kept],
    }[name]()
    return torch.stack(values).mean()


def test_variance_pools_what_is_seen():
    # one bone is seen in frames of length 1, 2, 6 (squares 14 over 2) and in a second clip of 3, 5 (2 over 1)
    lengths = torch.ones(2, 3, 16)
    lengths[0, :, 15], lengths[1, :, 15] = torch.tensor([1.0, 2, 6]), torch.tensor([3.0, 5, 100])
    weight = torch.zeros(2, 3, 17)
    weight[..., 15:] = 0.5
    weight[1, 2] = 0
    assert limb_length_variance(stretched(lengths), weight=weight).item() == pytest.approx((14 + 2) / (2 + 1))


def test_wrong_skeletons_shapes_and_forms_are_named():
    pred, target = poses(2, 4)
    for function in ALL.values():
        with pytest.raises(InputError, match=r'h36m17; expected \(\.\.\., 17, C\)'):
            function(pred[:, :, :16], target[:, :, :16])
        with pytest.raises(InputError, match='coco17; expected a skeleton with a tree'):
            function(pred, target, skeleton='coco17')
    with pytest.raises(InputError, match="form 'l2', expected one of absolute"):
        limb_length(pred, target, 'l2')
    with pytest.raises(InputError, match='unknown skeleton'):
        LOSSES.build({'type': 'LimbLengthLoss', 'skeleton': 'h37m17'})

"""P-STMO's first stage: what is masked, in which order, and what goes on to the second stage."""

import numpy as np
import pytest
import torch
from tiny_parts import randomised
from torch import nn

from poselifter.apis import load_official
from poselifter.checkpoints import load_weights, read_official
from poselifter.errors import InputError
from poselifter.models.estimators import MaskedPosePretrainer
from poselifter.structures import MotionDataSample

SIZE = {'feedforward_dims': 12, 'num_heads': 2}


BOX = {'type': 'RootRelativeLifting', 'confidence': True, 'window_box': True}


def tiny(codec=None, **changes):
    """A tiny pretrainer with random weights and statistics, in float64."""
    torch.manual_seed(0)
    backbone = {'type': 'STMO', 'num_frames': 6, 'num_joints': 4, 'embed_dims': 8, 'depth': 2, **SIZE, **changes}
    model = MaskedPosePretrainer(backbone, {'type': 'MaskedPoseHead', 'depth': 1, **SIZE}, codec=codec)
    return randomised(model).double()


def clips():
    return torch.randn(2, 6, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


FRAMES = torch.tensor([False, True, True, False, True, False])
ORDER = [0, 3, 5, 1, 2, 4]
NO_JOINTS = torch.zeros(6, 4, dtype=torch.bool)
JOINTS = NO_JOINTS.clone()
JOINTS[[0, 1, 3], [2, 0, 3]] = True


def masked(model, x, frames=FRAMES, joints=NO_JOINTS):
    return model.reconstruct(x, frames, joints)


def test_removed_frames_do_not_reach_the_batch_norm_where_only_visible_ones_are_seen():
    backbone = {'type': 'STMO', 'num_frames': 6, 'num_joints': 4, 'embed_dims': 8, 'depth': 2, 'drop_rate': 0, **SIZE}
    head = {'type': 'MaskedPoseHead', 'depth': 1, **SIZE}
    models = [MaskedPosePretrainer(backbone, head, visible_only=visible).double() for visible in (False, True)]
    models[1].load_state_dict(randomised(models[0]).state_dict())
    x = clips()
    torch.testing.assert_close(*(masked(model.eval(), x)[0] for model in models))
    other = torch.where(FRAMES[:, None, None], x + torch.randn(6, 4, 2), x)
    same = []
    for model in models:
        outputs = [model.train().encode(clip, FRAMES, NO_JOINTS)[0] for clip in (x, other)]
        same.append(torch.allclose(*outputs))
    assert same == [False, True]
    with pytest.raises(InputError, match='visible_only needs the temporal layers of STMO, found PoseFormer'):
        MaskedPosePretrainer({'type': 'PoseFormer', 'num_frames': 6, 'num_joints': 4}, head, visible_only=True)


def test_clips_that_keep_different_numbers_of_frames_are_named():
    with pytest.raises(InputError, match=r'frame_mask leaves \[3, 2\] frames of the clips'):
        masked(tiny(), clips(), torch.stack([FRAMES, FRAMES | ~FRAMES.roll(1)]))


def test_masks_of_each_clip_equal_shared_ones():
    model, x = tiny(), clips()
    other_frames, other_joints = FRAMES.flip(0), JOINTS.flip(0, 1)
    apart = [masked(model, x[:1], FRAMES, JOINTS)[0], masked(model, x[1:], other_frames, other_joints)[0]]
    together, _ = masked(model, x, torch.stack([FRAMES, other_frames]), torch.stack([JOINTS, other_joints]))
    torch.testing.assert_close(together, torch.cat(apart))
    repeated, _ = masked(model, x, FRAMES.expand(2, -1), JOINTS.expand(2, -1, -1))
    torch.testing.assert_close(repeated, masked(model, x, FRAMES, JOINTS)[0])


def test_loss_is_the_distance_on_all_frames():
    model, x = tiny(), clips()
    samples = MotionDataSample(mask=(FRAMES[:, None] | JOINTS).expand(2, -1, -1))
    losses = model(x, samples, mode='loss')
    output = model(x, samples)
    assert list(losses) == ['loss_reconstruction']
    shuffled, _ = model.reconstruct(x, FRAMES, JOINTS & ~FRAMES[:, None])
    assert torch.equal(shuffled, output[:, ORDER])
    torch.testing.assert_close(losses['loss_reconstruction'], (output - x).norm(dim=-1).mean())
    losses['loss_reconstruction'].backward()
    unused = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert unused == []


def test_joints_that_the_clip_lacks_do_not_count():
    samples = MotionDataSample(mask=(FRAMES[:, None] | JOINTS).expand(2, -1, -1))
    for channels, codec in ((2, None), (3, None), (6, BOX)):
        model = tiny(in_channels=channels, num_joints=17 if codec else 4, codec=codec)
        x = torch.randn(2, 6, 17 if codec else 4, min(channels, 3), dtype=torch.float64)
        x[..., 2:] = 0.5
        absent = torch.rand(x.shape[:3]) < 0.3
        x[absent] = 0
        mask = MotionDataSample(mask=torch.rand(2, 6, 17) < 0.2) if codec else samples
        loss, output = model(x, mask, mode='loss')['loss_reconstruction'], model(x, mask)
        hidden = mask.mask
        seen = model.describe(x, hidden)[..., :2]
        torch.testing.assert_close(loss, (output - seen).norm(dim=-1)[~absent].mean())


def test_shared_masks_are_those_of_the_first_clip():
    model, x, g = tiny(), clips(), torch.Generator().manual_seed(3)
    mask = torch.rand(2, 6, 4, generator=g) < 0.3
    mask[..., 0] = False
    mask[0, FRAMES], mask[1, ~FRAMES] = True, True
    own = model(x, MotionDataSample(mask=mask))
    model.share_mask = True
    shared = model(x, MotionDataSample(mask=mask))
    assert torch.equal(shared[0], own[0]) and not torch.allclose(shared[1], own[1])
    torch.testing.assert_close(shared, model(x, MotionDataSample(mask=mask[:1].expand(2, -1, -1))))
    removed, replaced = model.split(mask)
    assert torch.equal(removed, FRAMES.expand(2, -1)) and not (removed.unsqueeze(-1) & replaced).any()
    assert torch.equal(removed.unsqueeze(-1) | replaced, mask[:1].expand(2, -1, -1))


def test_initialisation_of_tokens_and_positions():
    torch.manual_seed(0)
    model = MaskedPosePretrainer({'type': 'STMO', 'num_frames': 81}, {'type': 'MaskedPoseHead', 'num_joints': 17})
    for values in (model.head.mask_token, model.head.frame_embedding.weight):
        assert values.std().item() == pytest.approx(1, abs=0.2)
    assert model.joint_token.shape == (1, 1, 2)
    assert (model.head.mask_token.shape, model.head.projection.weight.shape) == ((1, 1, 128), (128, 256))
    assert {block.mlp.fc1.out_features for block in model.head.blocks} == {256}
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.1}


@pytest.mark.parametrize('name', ['stage1_masked_27', 'stage1_masked_9_large'])
def test_order_and_loss_equal_official(parity, name):
    case = parity(f'pstmo/{name}')
    model = load_official(case.folder / 'checkpoint.pth', **case.meta['constructor']).network
    x, frames, joints = (case.array(key) for key in ('input', 'mask', 'spatial_mask'))
    output, order = model.reconstruct(x, frames.bool(), joints.bool())
    assert order[0].tolist() == case.array('frame_order').tolist()
    torch.testing.assert_close(output, case.array('output'), rtol=0, atol=3e-5)
    samples = MotionDataSample(mask=(frames.bool()[:, None] | joints.bool()).expand(len(x), -1, -1))
    loss = model(x, samples, mode='loss')['loss_reconstruction']
    torch.testing.assert_close(loss, case.array('loss').view(()), rtol=1e-5, atol=0)


def test_first_stage_starts_the_second_as_official(parity):
    case = parity('pstmo/stage1_to_stage2')
    module = load_official(case.folder / 'checkpoint.pth', **case.meta['constructor'])
    x = np.load(case.folder / 'input.npy')
    before = {key: value.clone() for key, value in module.network.state_dict().items()}
    assert np.abs(module(x)['output'] - np.load(case.folder / 'output.npy')).max() > 0.01
    load_weights(module.network, case.folder / 'checkpoint_stage1.pth', strict=False)
    found = module(x)
    for key in ('output', 'output_seq'):
        np.testing.assert_allclose(found[key], np.load(case.folder / f'{key}.npy'), rtol=0, atol=3e-5)
    changed = {key for key, value in module.network.state_dict().items() if not torch.equal(value, before[key])}
    names = read_official(case.folder / 'checkpoint_stage1.pth').names
    taken = {names[key.removeprefix('module.')] for key in case.meta['keys_taken_from_stage1']}
    assert taken == {key for key in before if key.startswith('backbone.')}
    assert changed == taken - {key for key in taken if key.endswith('num_batches_tracked')}

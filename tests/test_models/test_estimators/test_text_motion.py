"""ActionPose's pretraining: which texts a clip is contrasted with, and what becomes of the text side."""

import numpy as np
import pytest
import torch
from scipy import stats
from tiny_parts import randomised
from torch.nn import functional as F

from poselifter.checkpoints import load_weights
from poselifter.errors import InputError
from poselifter.models.estimators import MotionEstimator, TextMotionPretrainer
from poselifter.structures import MotionDataSample

TEXTS = [f'motion number {i}' for i in range(10)]
CODEC = {'type': 'RootRelativeLifting', 'confidence': True}
SIZE = {'num_frames': 9, 'num_joints': 17, 'embed_dims': 16, 'num_heads': 2}
POOL = {'hidden_dims': 12, 'drop_rate': 0.0}
BACKBONE = {'type': 'ActionPose', **SIZE, 'depth': 2, 'rep_dims': 20, 'align_layer': 1}
MANY = {'pose': {'type': 'PoseHead', 'num_joints': 17}}
HEADS = {'pose': {'type': 'PoseHead', 'losses': [{'type': 'MPJPELoss'}, {'type': 'VelocityLoss', 'loss_weight': 20.0}]}}


def tiny(backbone=BACKBONE, heads=HEADS, **changes):
    """A tiny pretrainer in eval mode."""
    torch.manual_seed(0)
    text = {'text_encoder': {'type': 'HashedTextEncoder', 'embed_dims': 14}, 'num_negatives': 4}
    text |= {'text_head': head(), **changes}
    model = TextMotionPretrainer(backbone=backbone, heads=heads, codec=CODEC, **text)
    model.texts = TEXTS
    return randomised(model, 0.1)


def batch(captions=((3,), (0, 5), (9,)), frames=9):
    """(inputs, samples) of clips with 3D labels and captions."""
    g = torch.Generator().manual_seed(1)
    samples = MotionDataSample(metainfo={'captions': [list(own) for own in captions]})
    shape = (len(captions), frames, 17)
    samples.set_data({'target': torch.randn(*shape, 3, generator=g), 'target_weight': torch.ones(shape)})
    return torch.randn(*shape, 3, generator=g), samples


def test_draws_hold_the_truth_and_other_texts_once():
    model, captions = tiny(), [[3], [0, 5], [], [9, 1, 2]]
    for seed in range(50):
        torch.manual_seed(seed)
        table, target = model.draw_texts(captions)
        assert table.shape == target.shape == (4, 5)
        for own, row, shares in zip(captions, table.tolist(), target, strict=True):
            assert len(set(row)) == 5
            assert {row[i] for i in shares.nonzero()[:, 0].tolist()} == set(own) <= set(row)
            assert all(share == pytest.approx(1 / len(own)) for share in shares[shares > 0].tolist())
            assert shares.sum().item() == pytest.approx(float(len(own) > 0))


def head(**changes):
    return {'type': 'TextMotionHead', 'embed_dims': 6, 'pose_pool': {'type': 'ClassTokenPool', **POOL},
            'text_pool': {'type': 'TextPool', **POOL}, **changes}  # fmt: skip


def test_the_alignment_has_a_weight_and_can_be_off():
    losses = {}
    for weight in (1, 0.5, 0):
        model = tiny(text_head=head(loss_weight=weight))
        torch.manual_seed(1)
        losses[weight] = model(*batch(), mode='loss')
        sum(losses[weight].values()).backward()
        learns = [p.grad is not None and bool(p.grad.any()) for p in model.text_head.parameters()]
        assert any(learns) == bool(weight)
    assert losses[0.5]['loss_contrastive'] == losses[1]['loss_contrastive'] / 2 and not losses[0]['loss_contrastive']
    assert losses[0]['loss_mpjpe'] == losses[1]['loss_mpjpe']


def test_both_directions_of_the_alignment():
    """Without focal factor: the mean of the cross entropies of clips over texts and of true texts over clips."""
    both, one = (tiny(text_head=head(symmetric=s, gamma=0.0)).text_head for s in (True, False))
    token, texts = torch.randn(3, 1, 17, 16), torch.randn(4, 14)
    samples = MotionDataSample()
    target = torch.eye(4)[[2, 0, 2]]  # two clips of text 2
    samples.set_data({'text_features': texts, 'text_table': torch.arange(4).expand(3, 4), 'text_target': target})
    logits = both.similarity(token, texts) / both.temperature
    back = logits.T.log_softmax(1)
    expected = -(back[0, 1] + (back[2, 0] + back[2, 2]) / 2 - torch.tensor(0.5).log()) / 2
    forth = F.cross_entropy(logits, torch.tensor([2, 0, 2]))
    torch.testing.assert_close(one.loss(token, samples)['loss_contrastive'], forth)
    torch.testing.assert_close(both.loss(token, samples)['loss_contrastive'], (forth + expected) / 2)


def test_captions_of_mirrored_clips_have_their_sides_swapped():
    model = tiny()
    given = ['sit', 'wave the left hand', 'a right turn', 'a left turn', 'sit', 'turn Clockwise']
    model.texts = given
    assert model.texts == [*given, 'wave the right hand', 'turn Counterclockwise']
    table, target = model.draw_texts([[1], [-2], [-1], [-3, -4], [-6]])
    found = [{model.texts[i] for i in row[share > 0]} for row, share in zip(table, target, strict=True)]
    assert found[:3] == [{'wave the left hand'}, {'wave the right hand'}, {'sit'}]
    assert found[3:] == [{'a left turn', 'a right turn'}, {'turn Counterclockwise'}]


def test_other_texts_by_how_many_clips_have_them():
    model = tiny(negatives='frequency', num_negatives=1)
    model.texts = ['sit', 'wave the left hand', 'walk', 'jump']
    with pytest.raises(InputError, match='needs text_counts'):
        model.draw_texts([[0]])
    model.text_counts = [1000, 1, 6, 2]
    torch.manual_seed(0)
    drawn = torch.cat([model.draw_texts([[0]] * 1000)[0] for _ in range(10)])
    assert (drawn[:, 0] == 0).all()
    parts = drawn[:, 1].bincount(minlength=5) / len(drawn)  # of the left and the right hand as often
    torch.testing.assert_close(parts, torch.tensor([0, 0.1, 0.6, 0.2, 0.1]), atol=0.02, rtol=0)


def test_more_captions_than_places_and_fewer_texts_than_places():
    model = tiny()
    own, chosen = list(range(8)), set()
    for _ in range(100):
        table, target = model.draw_texts([own])
        assert set(table[0].tolist()) <= set(own) and len(set(table[0].tolist())) == 5
        torch.testing.assert_close(target, torch.full((1, 5), 0.2))
        chosen |= set(table[0].tolist())
    assert chosen == set(own)  # which of them are left out changes
    model.texts = TEXTS[:3]
    table, target = model.draw_texts([[1]])
    assert sorted(table[0].tolist()) == [0, 1, 2] and target.sum() == target.max() == 1


def test_negatives_are_uniform_over_the_other_texts():
    torch.manual_seed(0)
    table, target = tiny().draw_texts([[2, 7]] * 6000)
    negatives = table[target == 0]
    counts = np.bincount(negatives.numpy(), minlength=10)
    assert counts[[2, 7]].sum() == 0
    # a clip's 3 of 8 are without replacement, so counts vary 5 / 7 as much as the test supposes
    others = np.delete(counts, [2, 7])
    assert others.sum() == 18000 and stats.chisquare(others).pvalue > 0.01
    pairs = table[:, 2:].sort(1).values
    triples = np.unique((pairs * torch.tensor([100, 10, 1])).sum(1).numpy(), return_counts=True)[1]
    assert len(triples) == 56 and stats.chisquare(triples).pvalue > 0.01  # all 8 over 3, independent draws


def test_texts_that_nobody_filled_in_are_named():
    model = tiny()
    model.texts = None
    with pytest.raises(InputError, match='has no texts'):
        model(*batch(), mode='loss')


def by_hand(model, inputs, table, target):
    """Equation 1 for each clip, every text encoded by itself, in float64 from the similarities on."""
    head, token, losses = model.text_head, model.extract_feat(inputs)['clip_token'], []
    for i, (row, y) in enumerate(zip(table.tolist(), target.double(), strict=True)):
        texts = torch.cat([head.text_pool(model.text_encoder([model.texts[k]])) for k in row])
        s = (head.pose_pool(token[i : i + 1]) @ texts.T / 0.1).double().softmax(-1)[0]
        losses.append(sum((1 - s[k]) ** 2 * y[k] * (y[k] / s[k]).log() for k in range(len(row)) if y[k] > 0))
    return losses


def test_loss_by_hand_with_the_drawn_texts():
    model, (inputs, samples) = tiny(), batch()
    torch.manual_seed(4)
    losses = model(inputs, samples, mode='loss')
    torch.manual_seed(4)
    expected = by_hand(model, inputs, *model.draw_texts(samples.captions))
    assert losses['loss_contrastive'].item() == pytest.approx(sum(expected).item() / 3, rel=1e-5)
    plain = super(TextMotionPretrainer, model).loss(model.extract_feat(inputs), samples)
    assert set(losses) - set(plain) == {'loss_contrastive'}
    for name, value in plain.items():
        torch.testing.assert_close(losses[name], value)
    assert losses['loss_mpjpe'].item() == pytest.approx(
        (model(inputs)['pose'] - samples.target).norm(dim=-1).mean().item(), rel=1e-5
    )


def test_clips_without_captions_are_left_out_of_the_mean():
    model = tiny()
    inputs, samples = batch([[3], [], [9], []])
    torch.manual_seed(4)
    found = model(inputs, samples, mode='loss')['loss_contrastive']
    torch.manual_seed(4)
    table, target = model.draw_texts(samples.captions)
    expected = by_hand(model, inputs[[0, 2]], table[[0, 2]], target[[0, 2]])
    assert found.item() == pytest.approx(sum(expected).item() / 2, rel=1e-5)
    silent = model(*batch([[], []]), mode='loss')['loss_contrastive']
    silent.backward()
    assert silent == 0 and not any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_clips_without_3d_labels_are_aligned_only():
    model, (inputs, samples) = tiny(), batch()
    bare = MotionDataSample(metainfo={'captions': samples.captions})
    torch.manual_seed(4)
    whole = model(inputs, samples, mode='loss')
    torch.manual_seed(4)
    found = model(inputs, bare, mode='loss')
    assert list(found) == ['loss_contrastive']
    assert torch.equal(found['loss_contrastive'], whole['loss_contrastive'])


def test_alignment_trains_both_sides():
    model, (inputs, samples) = tiny(), batch()
    model(inputs, samples, mode='loss')['loss_contrastive'].backward()
    grads = {name: p.grad is not None and bool(p.grad.any()) for name, p in model.named_parameters()}
    assert grads['text_encoder.linear.weight'] and grads['backbone.class_token']
    assert grads['backbone.input_projection.weight']
    assert any(on for name, on in grads.items() if name.startswith('backbone.layers.0'))
    # the token is read after the first of two layers, and the 3D head has no part in it
    assert not any(on for name, on in grads.items() if name.startswith(('backbone.layers.1', 'heads.')))


def test_networks_without_a_class_token_are_aligned_too():
    model = tiny({'type': 'STMO', **SIZE, 'depth': 1, 'feedforward_dims': 12, 'in_channels': 3}, MANY)
    inputs, samples = batch()
    features = model.extract_feat(inputs)
    torch.testing.assert_close(features['clip_token'], features['features'].mean(1, keepdim=True))
    model(inputs, samples, mode='loss')['loss_contrastive'].backward()
    assert all(p.grad is not None for p in model.backbone.parameters() if p.requires_grad)


def test_the_token_can_tell_how_features_change():
    stmo = {'type': 'STMO', **SIZE, 'depth': 1, 'feedforward_dims': 12, 'in_channels': 3}
    model, (inputs, samples) = tiny(stmo, MANY, spread=True), batch()
    features = model.extract_feat(inputs)
    mean, spread = features['clip_token'].chunk(2, -1)
    torch.testing.assert_close(mean, features['features'].mean(1, keepdim=True))
    expected = (features['features'].var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    torch.testing.assert_close(spread, expected)
    padded, valid = torch.cat([inputs[:, :6], 9 * torch.ones(3, 3, 17, 3)], 1), torch.arange(9) < 6
    shorter = model.features(padded, valid.expand(3, 9))
    expected = (shorter['features'][:, :6].var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    torch.testing.assert_close(shorter['clip_token'].chunk(2, -1)[1], expected)
    model(inputs, samples, mode='loss')['loss_contrastive'].backward()
    assert all(p.grad.isfinite().all() for p in model.backbone.parameters() if p.requires_grad)
    with_class_token = tiny(spread=True).extract_feat(inputs)['clip_token']
    assert with_class_token.shape[-1] == SIZE['embed_dims'] + BACKBONE['rep_dims']


def test_shares_of_texts():
    model, (inputs, _) = tiny(), batch()
    shares = model.text_probabilities(inputs, TEXTS[:4])
    assert shares.shape == (3, 4) and not shares.requires_grad
    torch.testing.assert_close(shares.sum(1), torch.ones(3))
    token = model.backbone.clip_token(*model.backbone.encode(model.backbone.embed(inputs), return_layers=True))
    rows = model.text_head.text_pool(model.text_encoder(TEXTS[:4]))
    cosines = F.cosine_similarity(model.text_head.pose_pool(token)[:, None], rows[None], dim=-1)
    torch.testing.assert_close(shares, (cosines / 0.1).softmax(-1))
    torch.testing.assert_close(model.text_probabilities(inputs, TEXTS[3::-1]), shares.flip(1))


def test_fine_tuning_drops_the_texts(tmp_path):
    """That they can be asked again is in test_motion_search.py."""
    pretrained, (inputs, _) = tiny(), batch()
    torch.save({'state_dict': pretrained.state_dict()}, tmp_path / 'pretrained.pth')
    tuned = MotionEstimator(BACKBONE, HEADS, CODEC).eval()
    assert not any(key.startswith('text') for key in tuned.state_dict())
    load_weights(tuned, tmp_path / 'pretrained.pth', strict=False)
    for key, value in tuned.state_dict().items():
        assert torch.equal(value, pretrained.state_dict()[key]), key
    torch.testing.assert_close(tuned(inputs)['pose'], pretrained(inputs)['pose'])


def test_zero_shot_scores_by_hand():
    """Softmax over classes of the mean cosine with each class's captions, in numpy; whatever the batch."""
    groups = [['a person walks', 'walking'], ['a person jumps'], ['waves', 'a person waves', 'waving']]
    model, (inputs, _) = tiny(class_texts=groups), batch()
    clips = [*inputs[:2], inputs[2, :7]]  # one is shorter
    found = model.predict(clips, [MotionDataSample() for _ in clips])
    with torch.no_grad():
        texts = [model.text_head.text_pool(model.text_encoder(group)).double().numpy() for group in groups]
        points = torch.cat([model.embed_clips(clip[None]) for clip in clips]).double().numpy()
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    cosines = np.stack([(points @ (t / np.linalg.norm(t, axis=1, keepdims=True)).T).mean(1) for t in texts], 1)
    expected = np.exp(cosines / 0.1) / np.exp(cosines / 0.1).sum(1, keepdims=True)
    np.testing.assert_allclose(torch.stack([sample.pred_scores for sample in found]), expected, atol=1e-5)
    assert all('pred_keypoints_3d' not in sample for sample in found)
    alone = model.predict(clips[1:2], [MotionDataSample()])[0].pred_scores
    torch.testing.assert_close(alone, found[1].pred_scores)
    plain = tiny().predict([inputs[0]], [MotionDataSample()])[0]
    assert plain.pred_keypoints_3d.shape == (9, 17, 3) and 'pred_scores' not in plain

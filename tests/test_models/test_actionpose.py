"""ActionPose: there is no official network, so DSTformer, closed forms and invariances hold it."""

import pytest
import torch
import torch.nn.functional as F
from tiny_parts import randomised

from poselifter.errors import InputError
from poselifter.models.backbones import ActionPose, DSTformer
from poselifter.models.heads import TextMotionHead
from poselifter.models.necks import ClassTokenPool, TextPool
from poselifter.structures import MotionDataSample

SMALL = {'num_frames': 7, 'num_joints': 5, 'embed_dims': 16, 'rep_dims': 12, 'depth': 4, 'num_heads': 2}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return randomised(ActionPose(**SMALL))


@pytest.fixture
def plain(net):
    """DSTformer with the same weights."""
    plain = DSTformer(**SMALL).eval()
    found = plain.load_state_dict(net.state_dict(), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == ([], ['class_token'])
    return plain


@pytest.fixture
def x():
    return torch.randn(2, 7, 5, 3, generator=torch.Generator().manual_seed(1))


def test_number_of_parameters():
    # MotionBERT's released 42,466,317 less its pose head (512 * 3 + 3), and the token
    with torch.device('meta'):
        net = ActionPose()
    assert sum(p.numel() for p in net.parameters()) == 42_466_317 - 1539 + 17 * 512


def test_token_starts_as_decided():
    torch.manual_seed(0)
    token = ActionPose(embed_dims=512, depth=1, align_layer=1, num_frames=2).class_token
    assert token.std().item() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize('hidden', ['without', 'masked', 'cut'])
def test_without_token_equals_dstformer(net, plain, x, hidden):
    valid = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    if hidden == 'without':
        bare = ActionPose(use_class_token=False, **SMALL).eval()
        bare.load_state_dict(plain.state_dict())
        found = bare(x, valid)
    elif hidden == 'masked':  # the token is there, but no frame may see it
        mask = F.pad(valid, (1, 0), value=False)
        found = DSTformer.encode(net, net.embed(x), mask)[:, 1:]
    else:
        found = DSTformer.encode(net, net.embed(x)[:, 1:], valid)
    torch.testing.assert_close(found[valid], plain(x, valid)[valid], rtol=0, atol=1e-5)


def test_token_has_joint_and_frames_keep_their_temporal_places(net, plain, x):
    h = net.embed(x)
    token = net.class_token[:, 0] + net.joint_embedding.weight
    torch.testing.assert_close(h[:, 0], token.expand(2, -1, -1), rtol=0, atol=0)
    assert torch.equal(h[:, 1:], plain.embed(x))


def test_every_temporal_place_is_used_at_full_length(net, x):
    net(x).square().sum().backward()
    assert net.frame_embedding.weight.shape[1] == 7
    assert net.frame_embedding.weight.grad.abs().sum((0, 2)).all()


def test_features_lose_the_token_and_layers_keep_it(net, x):
    features, layers = net.encode(net.embed(x), return_layers=True)
    assert features.shape == (2, 7, 5, 12)
    assert [tuple(layer.shape) for layer in layers] == [(2, 8, 5, 16)] * 4
    assert torch.equal(features, torch.tanh(net.representation(net.norm(layers[-1])))[:, 1:])
    assert torch.equal(features, net(x))
    assert torch.equal(net.clip_token(features, layers), layers[2][:, :1])


def test_token_and_frames_see_each_other(net, x):
    def token(x):
        return net.clip_token(*net.encode(net.embed(x), return_layers=True))

    x.requires_grad_()
    (seen,) = torch.autograd.grad(token(x)[0].sum(), x)
    assert seen[0].abs().sum((1, 2)).all()
    assert not seen[1].any()
    before = net(x)
    net.class_token.data += 1
    assert ((net(x) - before).abs() > 1e-6).any(-1).all()


@pytest.mark.parametrize('align_layer', [1, 2, 4])
def test_token_depends_on_the_layers_up_to_the_aligned_one(x, align_layer):
    net = ActionPose(align_layer=align_layer, **SMALL)
    net.clip_token(*net.encode(net.embed(x), return_layers=True)).square().sum().backward()
    used = [all(p.grad is not None for p in layer.parameters()) for layer in net.layers]
    assert used == [i < align_layer for i in range(4)]


@pytest.mark.parametrize('align_layer', [0, 5])
def test_a_layer_that_is_not_there_is_named(align_layer):
    with pytest.raises(InputError, match=f'align_layer is {align_layer}, expected 1 to 4'):
        ActionPose(align_layer=align_layer, **SMALL)


def test_pools_have_the_sizes_that_were_decided():
    def linear(i, o):
        return i * o + o

    pose, text = ClassTokenPool(), TextPool()
    norm = 2 * 512
    expected = linear(512, 512) + norm + 17 + linear(512, 512) + norm + linear(512, 256)
    assert sum(p.numel() for p in pose.parameters()) == expected
    assert sum(p.numel() for p in text.parameters()) == linear(768, 512) + norm + linear(512, 256)
    assert [m.p for pool in (pose, text) for m in pool.modules() if isinstance(m, torch.nn.Dropout)] == [0.1, 0, 0.1]
    for found in (pose(torch.randn(3, 1, 17, 512)), text(torch.randn(3, 768))):
        assert found.shape == (3, 256)
        torch.testing.assert_close(found.norm(dim=-1), torch.ones(3))


def test_joints_are_summed_with_learned_weights():
    torch.manual_seed(0)
    pool = ClassTokenPool(8, 5, 16, 4, normalize=False).eval()
    token = torch.randn(2, 1, 5, 8)
    linear, _, norm, _ = pool.joint_mlp
    hidden = norm(F.gelu(linear(token[:, 0])))
    torch.testing.assert_close(pool(token), pool.mlp(hidden.mean(1)))  # starts as the mean
    weights = torch.tensor([0.0, 2, 0, -1, 0])
    pool.joint_sum.weight.data[0] = weights
    torch.testing.assert_close(pool(token), pool.mlp(2 * hidden[:, 1] - hidden[:, 3]))
    changed = token.clone()
    changed[:, :, [0, 2, 4]] = 5.0
    torch.testing.assert_close(pool(changed), pool(token))


@pytest.fixture
def head():
    torch.manual_seed(0)
    sizes = {'in_channels': 8, 'text_channels': 6, 'num_joints': 5, 'embed_dims': 4}
    return randomised(TextMotionHead(**sizes, pose_pool={'type': 'ClassTokenPool', 'hidden_dims': 16}))


def loss_of(head, token, texts, table, target):
    """The head's loss of tokens."""
    samples = MotionDataSample()
    samples.set_data({'text_features': texts, 'text_table': table, 'text_target': target})
    return head.loss(token, samples)['loss_contrastive']


def batch(clips=3, texts=20, own=17, true=1):
    """(token, text features, table, target) with the true texts first."""
    g = torch.Generator().manual_seed(2)
    table = torch.stack([torch.randperm(texts, generator=g)[:own] for _ in range(clips)])
    target = torch.zeros(clips, own)
    target[:, :true] = 1 / true
    return torch.randn(clips, 1, 5, 8, generator=g), torch.randn(texts, 6, generator=g), table, target


def test_gamma_0_is_cross_entropy_at_the_temperature(head):
    head.gamma = 0.0
    token, texts, table, target = batch()
    rows = torch.stack([head.text_pool(texts[row]) for row in table])
    logits = torch.einsum('be,bke->bk', head.pose_pool(token), rows) / 0.1
    expected = F.cross_entropy(logits, torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(loss_of(head, token, texts, table, target), expected)


def test_order_of_texts_changes_nothing(head):
    token, texts, table, target = batch(true=2)
    expected = loss_of(head, token, texts, table, target)
    order = torch.randperm(17)
    found = loss_of(head, token, texts, table[:, order], target[:, order])
    torch.testing.assert_close(found, expected)
    shuffled = torch.randperm(20)
    found = loss_of(head, token, texts[shuffled], shuffled.argsort()[table], target)
    torch.testing.assert_close(found, expected)


def test_soft_targets_follow_the_texts(head):
    # two true texts: half of each one's softmax of cosines; the encoder learns nothing from them
    token, texts, table, target = batch(texts=6, own=6, true=2)
    texts.requires_grad_()
    cosines = F.cosine_similarity(texts[table][:, :2, None], texts[table][:, None], dim=-1).detach()
    soft = (cosines / 0.1).softmax(-1).mean(1)
    expected = loss_of(head, token, texts, table, soft)
    head.soft_targets = 'text'
    found = loss_of(head, token, texts, table, target)
    torch.testing.assert_close(found, expected)
    grads = [torch.autograd.grad(loss, texts)[0] for loss in (found, expected)]
    torch.testing.assert_close(*grads)
    same = loss_of(head, token, texts[:1].expand(6, -1), table, target)
    assert same.item() == pytest.approx(0, abs=1e-6)  # texts alike are equally true


def test_wrong_options_are_named():
    with pytest.raises(InputError, match="soft_targets is 'texts'"):
        TextMotionHead(soft_targets='texts')

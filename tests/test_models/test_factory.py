import pytest
import torch

from poselifter.errors import InputError
from poselifter.models import create_model, list_models

TINY = {'num_frames': 5, 'embed_dims': 8, 'depth': 1}


def test_names_by_wildcard():
    assert list_models('mixste_[0-9]*') == ['mixste_1', 'mixste_27', 'mixste_81']
    assert list_models('nothing') == []


def test_necks_and_heads_follow_the_backbone():
    model = create_model('pstmo', num_frames=9, embed_dims=16, heads={'sequence': None, 'pose': {'norm': False}})
    assert set(model.heads) == {'pose'}
    assert model(torch.zeros(2, 9, 17, 2)).shape == (2, 1, 17, 3)
    model = create_model('poseformer', num_frames=9, joint_dims=8, neck=None)  # an output for every frame
    assert model(torch.zeros(2, 9, 17, 2)).shape == (2, 9, 17, 3)


@pytest.mark.parametrize(
    ('name', 'sizes'),
    [('videopose3d_27', {'embed_dims': 8, 'pad': True}), ('poseformer_9', {'joint_dims': 8, 'neck': None})],
)
def test_sequence_encoders_take_the_heads_of_others(name, sizes):
    """MotionBERT's table 6: an output for every frame, and heads that read one token a frame."""
    heads = {'action': {'type': 'ActionHead', 'num_classes': 5, 'hidden_dims': 16}, 'mesh': {'type': 'MeshHead'}}
    model = create_model(name, heads=heads, **sizes).eval()
    frames = 9
    output = model(torch.randn(2, 3, frames, 17, 2))
    assert output['pose'].shape == (6, frames, 17, 3)
    assert output['action'].shape == (2, 5)
    assert output['mesh']['theta'].shape == (6, frames, 82)


def test_weights_come_back(tmp_path):
    first, second = create_model('mixste', **TINY), create_model('mixste', **TINY)
    torch.save({'state_dict': first.state_dict(), 'meta': {'format_version': 1}}, tmp_path / 'whole.pth')
    torch.save(first.state_dict(), tmp_path / 'weights.pth')
    x = torch.randn(1, 5, 17, 2)
    assert not torch.equal(first.eval()(x), second.eval()(x))
    for file in ('whole.pth', 'weights.pth'):
        assert torch.equal(first(x), create_model('mixste', tmp_path / file, **TINY).eval()(x))


@pytest.mark.parametrize(('name', 'overrides', 'message'), [
    ('mixst', {}, "unknown model 'mixst'; did you mean mixste"),
    ('lifter9000', {}, r'list_models\(\) gives the names'),
    ('mixste', {'width': 8}, r"unexpected keyword argument 'width'; give arguments of MixSTE, neck, heads"),
])  # fmt: skip
def test_wrong_names_are_named(name, overrides, message):
    with pytest.raises(InputError, match=message):
        create_model(name, **overrides)

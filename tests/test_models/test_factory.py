"""Models by name."""

from __future__ import annotations

import pytest
import torch

from poselifter.errors import InputError
from poselifter.models import create_model, list_models

TINY = {'num_frames': 5, 'embed_dims': 8, 'depth': 1}


@pytest.mark.parametrize('name', list_models())
def test_every_name_builds(name):
    model = create_model(name, **TINY)
    x = torch.randn(2, 5, 17, model.backbone.in_channels)
    assert model(x).shape == (2, 5, 17, 3)


def test_names_by_wildcard():
    assert list_models('motionbert*') == ['motionbert', 'motionbert_lite']
    assert list_models('nothing') == []


def test_weights_come_back(tmp_path):
    first, second = create_model('mixste', **TINY), create_model('mixste', **TINY)
    torch.save({'state_dict': first.state_dict(), 'meta': {'format_version': 1}}, tmp_path / 'whole.pth')
    torch.save(first.state_dict(), tmp_path / 'weights.pth')
    x = torch.randn(1, 5, 17, 2)
    assert not torch.equal(first.eval()(x), second.eval()(x))
    for file in ('whole.pth', 'weights.pth'):
        assert torch.equal(first(x), create_model('mixste', tmp_path / file, **TINY).eval()(x))


@pytest.mark.parametrize(
    ('name', 'overrides', 'message'),
    [
        ('mixst', {}, "unknown model 'mixst'; did you mean mixste"),
        ('lifter9000', {}, 'did you mean mixste or mixste_81 or motionbert'),
        ('mixste', {'width': 8}, r"unknown arguments \['width'\]"),
    ],
)
def test_wrong_names_are_named(name, overrides, message):
    with pytest.raises(InputError, match=message):
        create_model(name, **overrides)


def test_wrong_files_are_named(tmp_path):
    good, text, empty, half, pickled = (tmp_path / name for name in ('good', 'text', 'empty', 'half', 'pickled'))
    torch.save(create_model('mixste', **TINY).state_dict(), good)
    text.write_text('not a checkpoint')
    empty.touch()
    half.write_bytes(good.read_bytes()[:1000])
    torch.save({'state_dict': pytest.raises}, pickled)
    for path in (tmp_path / 'absent', text, empty, half, pickled, tmp_path):
        with pytest.raises(InputError, match='cannot be read as a checkpoint'):
            create_model('mixste', path, **TINY)
    with pytest.raises(InputError, match='holds another model'):
        create_model('mixste', good, **{**TINY, 'depth': 2})

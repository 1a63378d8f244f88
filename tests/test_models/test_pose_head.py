import pytest
from torch import nn

from poselifter.errors import InputError
from poselifter.models.heads import PoseHead


def test_norms_by_name():
    """What they compute is in the parity cases and the references."""
    assert isinstance(PoseHead(8, norm=True).norm, nn.LayerNorm)
    with pytest.raises(InputError, match="norm is 'group'"):
        PoseHead(8, norm='group')

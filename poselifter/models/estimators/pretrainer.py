"""The base of pretrainers without labels."""

from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from ...registry import CODECS
from ..parts import BaseBackbone, build_part


class Pretrainer(BaseModel):
    """A backbone that learns from 2D clips, described as the codec's model will see them.

    Args:
        backbone: config of the backbone.
        codec: config of the codec of the downstream model; ``None`` takes the clips as they are.
        **base: ``data_preprocessor`` and ``init_cfg``, see mmengine's ``BaseModel``.
    """

    def __init__(self, backbone: dict, codec: dict | None = None, **base: Any) -> None:
        super().__init__(**base)
        self.backbone = build_part(backbone, BaseBackbone)
        self.codec = CODECS.build(codec) if codec else None

    def describe(self, inputs: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Clips (B, T, J, C) as the backbone reads them; what is ``hidden`` (B, T, J) has no part in their scale."""
        return inputs if self.codec is None else self.codec.normalize_window(inputs, hidden)

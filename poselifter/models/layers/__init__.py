"""The vocabulary all backbones are arranged from; every layer maps (B, T, J, D) to (B, T, J, D)."""

from .attention import Attention
from .drop_path import DropPath
from .mlp import Mlp
from .position_embedding import PositionEmbedding
from .transformer_block import TransformerBlock

__all__ = ['Attention', 'DropPath', 'Mlp', 'PositionEmbedding', 'TransformerBlock']

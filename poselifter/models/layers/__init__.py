"""Building blocks of the backbones; every layer maps (B, T, J, D) to (B, T, J, D)."""

from .attention import Attention, Axis, seen_frames
from .drop_path import DropPath
from .graph import GraphConv
from .mlp import Mlp, SymSum
from .multi_scale_conv import MultiScaleTemporalConv
from .norm import StdNorm
from .position_embedding import PositionEmbedding
from .streams import ParallelStreams
from .transformer_block import TransformerBlock, transformer_blocks

"""Network space <-> camera space. A model is always decoded by the codec it was trained with."""

from .root_relative import RootRelativeLifting

__all__ = ['RootRelativeLifting']

"""Models: layers, backbones, necks, heads, losses and the estimators that glue them."""

from . import backbones, estimators, heads, losses, necks
from .factory import create_model, list_models

__all__ = ['backbones', 'create_model', 'estimators', 'heads', 'list_models', 'losses', 'necks']

"""Models: layers, backbones, necks, heads, losses and the estimators that glue them."""

from . import backbones, body_models, estimators, heads, losses, necks, text_encoders
from .factory import Lifter, create_model, list_models

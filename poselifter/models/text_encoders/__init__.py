"""Text encoders: lists of texts to features; all are called the same way."""

from .base_text_encoder import BaseTextEncoder
from .bert import BertTextEncoder
from .hashed import HashedTextEncoder

"""Text features from hashed n-grams: no download, no pretrained knowledge."""

import hashlib
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ...registry import MODELS
from .base_text_encoder import BaseTextEncoder


@lru_cache(maxsize=4096)
def hash_text(text: str, size: int = 4096) -> np.ndarray:
    """A text as a unit vector of its n-grams, the same on every machine.

    Single words and pairs of neighbours, and 3 to 5 characters of each word with its borders, in lower case. Each
    n-gram adds the square root of its count, with a sign, at one place; place and sign are bits of its BLAKE2b.

    Args:
        text: the text; without letters or digits the vector is zero.
        size: length of the vector.

    Returns:
        (size,) float32.
    """
    words = re.findall(r'\w+', text.lower())
    grams = Counter(f'word {word}' for word in words)
    grams.update(f'words {a} {b}' for a, b in pairwise(words))
    for word in (f'<{word}>' for word in words):
        grams.update(f'part {word[i : i + n]}' for n in (3, 4, 5) for i in range(len(word) - n + 1))
    vector = np.zeros(size, np.float32)
    for gram, count in grams.items():
        code = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), 'little')
        vector[(code >> 1) % size] += (1 if code & 1 else -1) * np.sqrt(count)
    return vector / max(np.linalg.norm(vector), 1e-12)


@MODELS.register_module()
class HashedTextEncoder(BaseTextEncoder):
    """A linear map of :func:`hash_text`, for work without a pretrained network.

    It starts as a random projection, so texts with common n-grams are near. It knows nothing else about meaning ("jog"
    and "run" are strangers): results on texts that were not trained on must say that they come from it.

    Args:
        embed_dims: channels of the features.
        size: length of the hashed vectors.
    """

    def __init__(self, embed_dims: int = 768, size: int = 4096) -> None:
        super().__init__(embed_dims)
        self.linear = nn.Linear(size, embed_dims)
        nn.init.normal_(self.linear.weight)  # entries of order 1, which torch's default would make 1e-2
        nn.init.zeros_(self.linear.bias)

    def encode(self, texts: list[str]) -> Tensor:
        """Distinct texts to (n, embed_dims)."""
        vectors = np.stack([hash_text(text, self.linear.in_features) for text in texts])
        return self.linear(torch.from_numpy(vectors).to(self.linear.weight))

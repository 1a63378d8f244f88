"""The base of text encoders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from ...errors import InputError


class BaseTextEncoder(nn.Module, ABC):
    """Features of texts, each distinct text encoded once.

    Args:
        embed_dims: channels of the features.
    """

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.embed_dims = embed_dims

    @abstractmethod
    def encode(self, texts: list[str]) -> Tensor:
        """Distinct texts to (n, embed_dims)."""

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Texts to features.

        Args:
            texts: n texts; equal ones get equal features, in training too.

        Returns:
            (n, embed_dims).

        Raises:
            InputError: it is not a list of at least one text.
        """
        if isinstance(texts, str) or len(texts) == 0 or not all(isinstance(text, str) for text in texts):
            raise InputError(f'{type(self).__name__} got {texts!r:.80}, expected a list of one or more texts')
        places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        return self.encode(list(places))[[places[text] for text in texts]]

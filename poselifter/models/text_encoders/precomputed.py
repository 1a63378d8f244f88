"""Text features read from a file."""

import os
import zipfile
from collections.abc import Sequence

import numpy as np
import torch

from ...errors import InputError
from ...registry import MODELS
from ...utils import atomic_write
from .base_text_encoder import BaseTextEncoder


@MODELS.register_module()
class PrecomputedTextEncoder(BaseTextEncoder):
    """Looks texts up in a table that another encoder filled; nothing trains.

    The right choice for long runs with a large text model.

    Args:
        path: npz with ``texts`` (n,) unicode, ``embeddings`` (n, embed_dims)
            float32 and ``encoder``, the name of what made them;
            :meth:`write` writes one.

    Raises:
        InputError: the file cannot be read or does not hold these.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            with np.load(path) as file:
                texts, embeddings, encoder = (file[key] for key in ('texts', 'embeddings', 'encoder'))
        except (OSError, ValueError, KeyError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            reason = str(error).strip('\'"').split('\n')[0] or type(error).__name__
            raise InputError(
                f'{path} cannot be read as text embeddings ({reason}); give an npz with texts, embeddings and encoder'
            ) from error
        fits = texts.dtype.kind == 'U' and embeddings.ndim == 2 and texts.shape == embeddings.shape[:1]
        if not fits or embeddings.dtype.kind != 'f' or not np.isfinite(embeddings).all():
            raise InputError(
                f'{path} holds texts {texts.dtype} {texts.shape} and embeddings {embeddings.dtype} {embeddings.shape}; '
                f'expected unicode (n,) and finite float32 (n, dim); write the file again'
            )
        super().__init__(embeddings.shape[1])
        self.path, self.encoder = path, str(encoder)
        self.places = {text: i for i, text in enumerate(texts.tolist())}
        self.register_buffer('embeddings', torch.from_numpy(embeddings.astype(np.float32)), persistent=False)

    def encode(self, texts: list[str]) -> torch.Tensor:
        """Distinct texts to (n, embed_dims).

        Raises:
            InputError: a text is not in the file.
        """
        unknown = [text for text in texts if text not in self.places]
        if unknown:
            raise InputError(
                f'{self.path} lacks {len(unknown)} of {len(texts)} texts, such as {unknown[0]!r}; write it again with '
                f'them, by PrecomputedTextEncoder.write(path, texts, encoder, name) with {self.encoder}'
            )
        return self.embeddings[[self.places[text] for text in texts]]

    @staticmethod
    def write(path: str | os.PathLike, texts: Sequence[str], encoder: BaseTextEncoder, name: str) -> None:
        """Writes the file that the class reads.

        Args:
            path: the npz.
            texts: what shall be known, exactly as it will be asked for.
            encoder: makes the features, in evaluation mode.
            name: of the encoder, for the record.
        """
        texts = list(dict.fromkeys(texts))
        with torch.no_grad():
            parts = [encoder.eval()(texts[i : i + 256]).float().cpu() for i in range(0, len(texts), 256)]
        with atomic_write(path) as temporary, open(temporary, 'wb') as file:
            np.savez(file, texts=np.array(texts), embeddings=torch.cat(parts).numpy(), encoder=np.array(name))

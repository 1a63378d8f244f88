"""The first layers of a pretrained BERT."""

import os
from typing import Literal

import torch
from torch import Tensor

from ...errors import InputError
from ...registry import MODELS
from .base_text_encoder import BaseTextEncoder

_FILES = (
    'a folder with config.json, model.safetensors (or pytorch_model.bin) and vocab.txt (or tokenizer.json), as '
    'https://huggingface.co/google-bert/bert-base-uncased offers them; or allow_download=True to fetch one by its name'
)


@MODELS.register_module()
class BertTextEncoder(BaseTextEncoder):
    """The feature of <CLS> after the first layers of BERT (ActionPose, text encoder), or the mean over the tokens.

    Texts are read in lower case. All weights train.

    Args:
        pretrained: folder of a BERT in the format of ``transformers``, or its name on the Hugging Face hub.
        num_layers: layers that are kept.
        max_tokens: longer texts are cut, <CLS> and <SEP> included.
        allow_download: whether a name may be fetched; else it must be in the hub's local cache.
        pool: ``'first'``, the feature of <CLS>, or ``'mean'``, over the tokens,
            as sentence models such as MiniLM are trained.

    Raises:
        InputError: ``transformers`` is not installed, or ``pretrained`` holds no BERT of so many layers.
    """

    def __init__(
        self,
        pretrained: str | os.PathLike[str] = 'google-bert/bert-base-uncased',
        num_layers: int = 3,
        max_tokens: int = 32,
        allow_download: bool = False,
        pool: Literal['first', 'mean'] = 'first',
    ) -> None:
        if pool not in ('first', 'mean'):
            raise InputError(f"pool is {pool!r}, expected 'first' or 'mean'")
        bert, tokenizer = _load(os.fspath(pretrained), num_layers, not allow_download)
        super().__init__(bert.config.hidden_size)
        self.bert, self.tokenizer, self.max_tokens, self.pool = bert, tokenizer, max_tokens, pool

    def encode(self, texts: list[str]) -> Tensor:
        """Distinct texts to (n, embed_dims)."""
        cut = {'padding': True, 'truncation': True, 'max_length': self.max_tokens, 'return_tensors': 'pt'}
        tokens = self.tokenizer([text.lower() for text in texts], **cut).to(self.bert.device)
        mask = tokens['attention_mask']
        hidden = self.bert(tokens['input_ids'], attention_mask=mask).last_hidden_state
        return hidden[:, 0] if self.pool == 'first' else (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _load(path: str, num_layers: int, local: bool) -> tuple:
    try:
        from transformers import BertConfig, BertModel, BertTokenizer
        from transformers.utils import logging
    except ImportError:
        raise InputError('BertTextEncoder needs transformers: pip install poselifter[text]') from None
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # it would list every weight of the layers that are left out
    try:
        kind = BertConfig.get_config_dict(path, local_files_only=local)[0].get('model_type', 'bert')
        if kind != 'bert':  # RoBERTa's weights would fit, but it counts positions from elsewhere
            raise ValueError(f'its model_type is {kind!r}')
        tokenizer = BertTokenizer.from_pretrained(path, local_files_only=local)
        build = {'num_hidden_layers': num_layers, 'add_pooling_layer': False, 'dtype': torch.float32}
        bert, info = BertModel.from_pretrained(path, local_files_only=local, output_loading_info=True, **build)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).split('\n')[0].split('. ')[0].rstrip('.')
        if local and not os.path.isdir(path):
            reason = 'no such folder, nor a name in the local cache of the hub'
        raise InputError(f'no BERT can be read from {path!r} ({reason}); give {_FILES}') from error
    finally:
        logging.set_verbosity(level)
    if info['missing_keys']:
        raise InputError(
            f'{path!r} lacks {len(info["missing_keys"])} weights of a BERT of {num_layers} layers, such as '
            f'{min(info["missing_keys"])}; lower num_layers, or give {_FILES}'
        )
    # without vocabulary file transformers makes one of the special tokens alone, and every word is unknown
    if not len(tokenizer.all_special_tokens) < len(tokenizer) <= bert.config.vocab_size:
        raise InputError(
            f'{path!r} has {len(tokenizer)} tokens in its vocabulary, its BERT {bert.config.vocab_size}; give {_FILES}'
        )
    return bert, tokenizer

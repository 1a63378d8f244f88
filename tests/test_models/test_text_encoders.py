import sys

import numpy as np
import pytest
import torch
from mmengine.model import BaseModule

from poselifter.errors import InputError
from poselifter.models.text_encoders import BertTextEncoder, HashedTextEncoder
from poselifter.models.text_encoders.hashed import hash_text

TEXTS = ['walk forward', 'jumping', 'transit from walk to jump', 'walk forward']
WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'walk', 'forward', 'jump', '##ing', 'transit', 'from', 'to']


@pytest.fixture(scope='module')
def bert_folder(tmp_path_factory):
    """A random BERT of two layers with heads, as they are published."""
    transformers = pytest.importorskip('transformers', reason='needs the extra [text]')
    folder = tmp_path_factory.mktemp('bert')
    (folder / 'vocab.txt').write_text('\n'.join(WORDS) + '\n')
    (folder / 'tokenizer_config.json').write_text('{"do_lower_case": false}')
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertForPreTraining(config).save_pretrained(folder)
    return folder


def copy(folder, target, without=()):
    target.mkdir()
    for file in folder.iterdir():
        if file.name not in without:
            (target / file.name).write_bytes(file.read_bytes())
    return target


@pytest.fixture
def bert(bert_folder):
    return BertTextEncoder(bert_folder, num_layers=2).eval()


@pytest.fixture(params=['bert', 'hashed'])
def encoder(request):
    """Each encoder, in training mode."""
    torch.manual_seed(0)
    if request.param == 'bert':
        return BertTextEncoder(request.getfixturevalue('bert_folder'), num_layers=2).train()
    return HashedTextEncoder(24).train()


def test_all_are_called_the_same_way(encoder):
    features = encoder(TEXTS)
    assert features.shape == (4, encoder.embed_dims)
    assert features.isfinite().all()
    assert torch.equal(features[0], features[3])  # dropout of BERT included
    assert not torch.allclose(features[0], features[1])
    encoder.eval()
    torch.testing.assert_close(encoder(TEXTS[::-1]), encoder(TEXTS).flip(0))
    torch.testing.assert_close(encoder(tuple(TEXTS[1:2])), encoder(TEXTS)[1:2])


@pytest.mark.parametrize('texts', ['walk', [], [1], [None]])
def test_what_is_no_list_of_texts_is_named(encoder, texts):
    with pytest.raises(InputError, match='expected a list of one or more texts'):
        encoder(texts)


def test_bert_is_cls_after_the_kept_layers(bert_folder):
    from transformers import BertModel

    full = BertModel.from_pretrained(bert_folder).eval()
    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])  # <CLS> walk forward <SEP>, <CLS> jump ##ing <SEP>
    with torch.no_grad():
        states = full(ids, output_hidden_states=True).hidden_states
        for layers in (1, 2):
            found = BertTextEncoder(bert_folder, num_layers=layers).eval()(['Walk FORWARD', 'jumping'])
            torch.testing.assert_close(found, states[layers][:, 0])


def test_bert_has_embeddings_and_kept_layers_only(bert_folder):
    # word, place and type embeddings with norm; per layer 4 square maps, the perceptron and 2 norms
    d, layer = 32, 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32
    for layers in (1, 2):
        encoder = BertTextEncoder(bert_folder, num_layers=layers)
        assert sum(p.numel() for p in encoder.parameters()) == (len(WORDS) + 512 + 2 + 2) * d + layers * layer
        encoder(TEXTS).square().sum().backward()
        assert all(p.grad is not None for p in encoder.parameters())


def test_padding_has_no_influence(bert):
    alone = bert(['jumping'])
    torch.testing.assert_close(bert(['jumping', 'walk ' * 25])[:1], alone, rtol=0, atol=1e-5)


def test_long_texts_are_cut(bert):
    # 30 words between <CLS> and <SEP>
    torch.testing.assert_close(bert(['walk ' * 40]), bert(['walk ' * 30]))
    assert not torch.allclose(bert(['walk ' * 30]), bert(['walk ' * 29]))


def test_pretrained_weights_survive_the_runner(bert):
    before = {name: value.clone() for name, value in bert.state_dict().items()}
    parent = BaseModule()
    parent.text_encoder = bert
    parent.init_weights()
    assert all(torch.equal(value, before[name]) for name, value in bert.state_dict().items())


def test_half_precision_files_train_in_float32(bert_folder, tmp_path):
    from transformers import BertModel

    folder = copy(bert_folder, tmp_path / 'half')
    BertModel.from_pretrained(folder).half().save_pretrained(folder)
    assert BertTextEncoder(folder, num_layers=1)(TEXTS).dtype == torch.float32


@pytest.mark.parametrize('path', ['/no/such/bert', 'no-one/no-such-bert'])
def test_a_missing_bert_says_what_to_get(path):
    pytest.importorskip('transformers')
    with pytest.raises(InputError, match=r'no such folder.* config.json, model.safetensors .* vocab.txt .*allow_downl'):
        BertTextEncoder(path)


ALL = {'absent': (), 'file': 'config.json', 'old': '', 'new': '', 'layers': 2}


@pytest.mark.parametrize(('change', 'message'), [
    ({'absent': ['config.json']}, 'no BERT can be read from .*config.json'),
    ({'absent': ['model.safetensors']}, 'no BERT can be read from .*model.safetensors'),
    ({'absent': ['vocab.txt', 'tokenizer.json']}, 'has 5 tokens in its vocabulary, its BERT 12; give'),
    ({'file': 'vocab.txt', 'old': 'to\n', 'new': 'to\nrun\n'}, 'has 13 tokens in its vocabulary, its BERT 12'),
    ({'old': '"bert"', 'new': '"roberta"'}, "its model_type is 'roberta'"),
    ({'layers': 3}, r'lacks 16 weights of a BERT of 3 layers, such as encoder\.layer\.2\.'),
])  # fmt: skip
def test_what_does_not_fit_is_named(bert_folder, tmp_path, change, message):
    """A file that is not there, another family or vocabulary, too few layers."""
    given = {**ALL, **change}
    folder = copy(bert_folder, tmp_path / 'part', given['absent'])
    if (path := folder / given['file']).is_file():
        path.write_text(path.read_text().replace(given['old'] or '\0', given['new']))
    with pytest.raises(InputError, match=message):
        BertTextEncoder(folder, num_layers=given['layers'])


def test_without_transformers_the_pip_line_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(InputError, match=r'pip install poselifter\[text\]'):
        BertTextEncoder('anything')


def test_hash_by_hand():
    # "ab": the word, and <ab, ab>, <ab>: four n-grams once each; "ab ab" has these twice, and the pair once
    once, twice = hash_text('AB!', 1 << 20), hash_text('ab ab', 1 << 20)
    assert sorted(np.abs(once[once != 0])) == pytest.approx([0.5] * 4)
    assert sorted(np.abs(twice[twice != 0])) == pytest.approx([1 / 3] + [np.sqrt(2) / 3] * 4)
    assert once @ twice == pytest.approx(4 * 0.5 * np.sqrt(2) / 3)
    # "abc": the word, three of 3 characters with borders, two of 4 and one of 5
    assert np.count_nonzero(hash_text('abc', 1 << 20)) == 7


def test_hash_is_the_same_on_every_machine():
    # b2sum -l 64 says 85d909.. for "word a" and d66cad.. for "part <a>": little-endian, bit 0 the sign, then the place
    vector = hash_text('a', 4096)
    assert vector.nonzero()[0].tolist() == [0xAD6CD6 // 2 % 4096, 0x09D985 // 2 % 4096]
    assert vector[vector != 0] == pytest.approx([-(0.5**0.5), 0.5**0.5])


def test_similar_texts_are_near():
    torch.manual_seed(0)
    features = HashedTextEncoder()(['walk forward slowly', 'walking forward', 'throw ball'])
    assert features.std().item() == pytest.approx(1, rel=0.1)
    walk, walks, throw = torch.nn.functional.normalize(features)
    assert walk @ walks > 0.3
    assert abs(walk @ throw) < 0.15
    assert not hash_text('?!').any()


def test_the_mean_over_tokens_leaves_padding_out(bert_folder):
    mean, first = (BertTextEncoder(bert_folder, num_layers=2, pool=pool).eval() for pool in ('mean', 'first'))
    text = 'walk forward'
    tokens = mean.tokenizer([text], return_tensors='pt')
    states = first.bert(**tokens).last_hidden_state[0]
    assert len(states) == 4  # <CLS>, two words, <SEP>
    torch.testing.assert_close(mean([text])[0], states.mean(0))
    torch.testing.assert_close(mean([text, 'walk ' * 9])[0], states.mean(0), atol=1e-5, rtol=1e-5)
    with pytest.raises(InputError, match="pool is 'max'"):
        BertTextEncoder(bert_folder, pool='max')

"""The zoo's page and the README's table are what the metafiles give."""

from dataclasses import replace

import pytest

from poselifter.errors import InputError


@pytest.fixture(scope='module')
def cards(load_module):
    return load_module('docs/model_cards.py')


def test_page_and_table_are_what_the_metafiles_give(cards):
    assert cards.PAGE.read_text() == cards.page(), 'run python docs/model_cards.py'
    assert cards.README.read_text() == cards.renew(cards.README.read_text()), 'run python docs/model_cards.py'
    assert cards.page().index(f'## {cards.DEFAULT_MODEL} (the default)') < cards.page().index('## mixste_cmu_27')


def test_a_card_without_limits_is_refused(cards):
    [model] = [model for model in cards.shipped() if model.name == cards.DEFAULT_MODEL]
    text = {key: value for key, value in model.metadata['Card'].items() if key != 'Limits'}
    with pytest.raises(InputError, match='lacks Limits'):
        cards.card(replace(model, metadata={**model.metadata, 'Card': text}))

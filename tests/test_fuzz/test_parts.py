"""Codecs and transforms with odd options, on odd samples: a result or one sentence, in bounded time and memory."""

import inspect
import warnings

import numpy as np
import pytest
from fuzz import NUMBERS, VALUES, _odd_array, fuzz, reads_well
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

import poselifter
from poselifter.datasets import ProceduralMotion
from poselifter.datasets.clip_batch import run_pipeline
from poselifter.datasets.transforms import Transform, build_pipeline
from poselifter.engine.tool import config_errors
from poselifter.registry import CODECS, TRANSFORMS

poselifter.register_all_modules()
FILM, NOISE = dict(type='VirtualCamera'), dict(type='KeypointNoise')
ENCODE = dict(type='Encode', codec=dict(type='RootRelativeLifting'))
BEFORE = {'VirtualCamera': [], 'KeypointNoise': [FILM], 'Encode': [FILM, NOISE]}  # of the others: all of them
WORDS = ['random', 'joint', 'coco17', 'h36m17', 'nope', 'body17', 'train', 'mm']


@pytest.fixture(scope='module')
def samples():
    data = ProceduralMotion(3, 40, window=dict(length=20, stride=10), motions=['walk', 'wave', 'turn'])
    return data.samples([0, 1, 2])


def odd_options(kind, rng):
    """Values for some arguments of a class: odd ones, numbers near what is usual, and words."""
    names = [n for n, p in inspect.signature(kind).parameters.items() if p.kind is not p.VAR_KEYWORD and n != 'self']
    usual = [*NUMBERS, *WORDS, 0.3, 2, 5, [1, 2], (0.5, 1), [0, 1, 2], {'a': 1}]
    return {n: rng.choice([*VALUES, *usual, *usual]) for n in names if rng.random() < min(1, 2 / len(names))}


def spoilt(sample, rng):
    """A sample with up to one odd array."""
    arrays = [key for key, value in sample.items() if isinstance(value, np.ndarray) and value.size]
    if rng.random() < 0.5 or not arrays:
        return sample
    key = rng.choice(arrays)
    with warnings.catch_warnings(), np.errstate(all='ignore'):
        return {**sample, key: _odd_array(sample[key], rng)}


def run(before, config, samples, rng):
    with config_errors(Config({})), warnings.catch_warnings(), np.errstate(all='ignore'):
        warnings.simplefilter('ignore')
        made = run_pipeline(build_pipeline(before), samples)
        run_pipeline(build_pipeline([config]), [spoilt(dict(one), rng) for one in made])


@pytest.mark.parametrize('name', sorted(n for n, kind in TRANSFORMS.module_dict.items() if issubclass(kind, Transform)))
def test_transforms(name, samples):
    @fuzz(8)
    @given(st.randoms(use_true_random=False))
    def drawn(rng):
        config = {'type': name, **odd_options(TRANSFORMS.get(name), rng)}
        if name == 'Encode':
            config.setdefault('codec', ENCODE['codec'])
        reads_well(lambda _: run(BEFORE.get(name, [FILM, NOISE, ENCODE]), config, samples, rng), None)

    drawn()


@pytest.mark.parametrize('name', sorted(CODECS.module_dict))
def test_codecs(name, samples):
    @fuzz(12)
    @given(st.randoms(use_true_random=False))
    def drawn(rng):
        codec = {'type': name, **odd_options(CODECS.get(name), rng)}
        reads_well(lambda _: run([FILM, NOISE], {'type': 'Encode', 'codec': codec}, samples, rng), None)

    drawn()

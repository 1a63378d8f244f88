"""What a reader of the pages has of others, as toys: files of authors, a BERT, another program's poses and bodies."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from poselifter.checkpoints import SYSTEMS, export_official
from poselifter.models import create_model

WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'walk', 'turn', 'sit', 'wave', 'to', 'from', 'transit']
REFINER = 'PSTMO_refine_6_4215_h36m_cpn.pth'
OFFICIAL = {  # published names, of our networks of the published sizes but for the last
    'MB_ft_h36m/best_epoch.bin': ('motionbert', {}),
    'PSTMO_no_refine_11_4288_h36m_cpn.pth': ('pstmo', {}),
    'PSTMO_no_refine_6_4215_h36m_cpn.pth': ('pstmo', {}),
    'mine.bin': ('motionbert', {'embed_dims': 16, 'rep_dims': 16, 'depth': 1, 'num_heads': 4, 'num_frames': 9}),
}


def write_official(folder: Path, text: str) -> None:
    """Writes the authors' files that a text names, with fresh weights."""
    for name, (model, sizes) in OFFICIAL.items():
        if name in text:
            ours = create_model(model, **sizes).state_dict()
            theirs, kind, _ = export_official(ours, model)
            container, prefix = SYSTEMS[model].kinds[kind].container, SYSTEMS[model].prefix
            state = {prefix + key: value for key, value in theirs.items()}
            (folder / name).parent.mkdir(exist_ok=True)
            torch.save({container: state} if container else state, folder / name)
    if REFINER in text:  # two layers; it weighs predictions against back-projections
        layers = {'post_refine.0': torch.nn.Linear(102, 1024), 'post_refine.3': torch.nn.Linear(1024, 34)}
        state = {
            f'module.{name}.{key}': value for name, layer in layers.items() for key, value in layer.state_dict().items()
        }
        torch.save(state, folder / REFINER)


def write_bert(folder: Path) -> Path:
    """Writes a random BERT of three layers, as they are published, and returns its folder."""
    transformers = pytest.importorskip('transformers', reason='needs the extra [text]')
    folder.mkdir()
    (folder / 'vocab.txt').write_text('\n'.join(WORDS) + '\n')
    sizes = {'hidden_size': 16, 'num_hidden_layers': 3, 'num_attention_heads': 2, 'intermediate_size': 32}
    transformers.BertForPreTraining(transformers.BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    return folder


def write_others(folder: Path) -> None:
    """Writes predictions and truth of two sequences, and VIBE's bodies of one person of 60 frames."""
    truth = np.random.default_rng(0).normal(size=(2, 12, 17, 3)) + [0, 0, 4]
    names = ('S9/Walking 1/54138969', 'S9/Sitting/54138969')
    np.savez(folder / 'truth.npz', **dict(zip(names, truth, strict=True)))
    np.savez(folder / 'predictions.npz', **dict(zip(names, truth - truth[:, :, :1], strict=True)))
    bodies = {'pose': np.zeros((60, 72)), 'betas': np.zeros((60, 10)), 'frame_ids': np.arange(60)}
    with (folder / 'vibe_output.pkl').open('wb') as file:
        pickle.dump({1: bodies}, file)

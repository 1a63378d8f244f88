"""Writes the page of the zoo, a card for each checkpoint that ships, from the metafiles.

    python docs/model_cards.py

An entry with `Weights` has, beside what others have, `Card`: `Use`, `Trained`, `Limits` and `License`, sentences; and
`Command` in each of its results.
"""

from pathlib import Path

from poselifter.apis.zoo import DEFAULT_MODEL, ZooModel, zoo_models
from poselifter.checkpoints import load_checkpoint_file
from poselifter.errors import InputError, run_program
from poselifter.utils import atomic_write, shipped_root

PAGE = Path(__file__).resolve().parent / 'user_guides' / 'zoo.md'
SENTENCES = ('Use', 'Trained', 'Limits', 'License')
INTRODUCTION = """# The models that ship

Made by `python docs/model_cards.py` from the metafiles in `configs`. `poselifter zoo list` lists all configs, `poselifter zoo
info NAME` prints an entry, `--model NAME` chooses one. Errors are in mm, means over actions and frames as
[the numbers](numbers.md) say; how they grow on other data: [out of distribution](out_of_distribution.md).
"""


def card(model: ZooModel) -> str:
    """The section of a model.

    Raises:
        InputError: the metafile lacks a part.
    """
    metadata, text = model.metadata, model.metadata.get('Card', {})
    missing = [key for key in SENTENCES if key not in text]
    missing += ['Command' for result in metadata['Results'] if 'Command' not in result]
    if missing:
        raise InputError(f'{model.name}: its entry in the metafile lacks {", ".join(missing)}; add it')
    weights = load_checkpoint_file(shipped_root() / model.weights)['state_dict']
    count = sum(tensor.numel() for tensor in weights.values())
    size = (shipped_root() / model.weights).stat().st_size
    about = metadata['Metadata']
    config = model.config.relative_to(shipped_root()).as_posix() + (f' --variant {model.variant}' * bool(model.variant))
    rows = [
        ('file', f'`{model.weights}`, {size / 1e6:.1f} MB, {count / 1e6:.2f} M parameters, SHA-256 `{model.sha256}`'),
        ('config', f'`{config}`'),
        ('in, out', f'{about["Input Skeleton"]}; {about["Output Skeleton"]}; {about["FPS"]} frames a second'),
        ('training data', about['Training Data']),
        *((key.lower(), ' '.join(str(text[key]).split())) for key in SENTENCES),
    ]
    lines = [
        f'## {model.name}' + (' (the default)' if model.name == DEFAULT_MODEL else ''),
        '',
        '| | |',
        '| --- | --- |',
    ]
    lines += [f'| {name} | {value} |' for name, value in rows]
    lines += ['', '| measured on | figures | by |', '| --- | --- | --- |']
    for result in metadata['Results']:
        figures = ', '.join(f'{name} {value}' for name, value in result['Metrics'].items())
        lines.append(f'| {result["Dataset"]} | {figures} | `{result["Command"]}` |')
    return '\n'.join(lines) + '\n'


def page() -> str:
    """The whole page; the default model comes first."""
    shipped = [model for model in zoo_models().values() if model.weights]
    shipped.sort(key=lambda model: model.name != DEFAULT_MODEL)
    return '\n'.join([INTRODUCTION, *(card(model) for model in shipped)])


def main() -> None:
    """Writes the page."""
    with atomic_write(PAGE) as path:
        path.write_text(page(), encoding='utf-8')


if __name__ == '__main__':
    run_program(main)

"""Writes the page of the zoo, a card for each checkpoint that ships, and the table of the README, from the metafiles.

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
README = PAGE.parents[2] / 'README.md'
START, END = '<!-- zoo: made by docs/model_cards.py from the metafiles -->\n', '<!-- end of zoo -->\n'
INTRODUCTION = """# The models that ship

These models are part of poselifter. `poselifter lift --model NAME` uses one of those that lift; without the option it
is the default. One knows texts, for `poselifter search`, one actions, and one recovers bodies. Errors are in mm
([what the numbers mean](numbers.md)); [Out of distribution](out_of_distribution.md) says how they grow on other data.
`benchmarks/out_of_distribution.py` prints whole millimetres; its decimals stand in `out/out_of_distribution.jsonl`.
A model is one training with one seed; how far seeds are apart is in
[the papers' tables](../../projects/reproduce/README.md).
What `../shared/data` is: [data zoo](../data_zoo.md#films-and-motion-capture-for-measuring).
`python docs/model_cards.py` makes this page from the metafiles in `configs`.
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


def shipped() -> list[ZooModel]:
    """Models whose weights ship; the default comes first."""
    return sorted(
        (model for model in zoo_models().values() if model.weights), key=lambda model: model.name != DEFAULT_MODEL
    )


def page() -> str:
    """The whole page."""
    return '\n'.join([INTRODUCTION, *(card(model) for model in shipped())])


def table() -> str:
    """MPJPE and, where it was measured, P-MPJPE on each test, a row a model."""
    models = [model for model in shipped() if model.lifts]
    tests = list(dict.fromkeys(result['Dataset'] for model in models for result in model.metadata['Results']))
    lines = [f'| | {" | ".join(tests)} |', f'| --- |{" --- |" * len(tests)}']
    for model in models:
        figures = {result['Dataset']: result['Metrics'] for result in model.metadata['Results']}
        cells = [figures.get(test, {}) for test in tests]
        texts = [' / '.join(str(cell[key]) for key in ('MPJPE', 'P-MPJPE') if key in cell) for cell in cells]
        lines.append(f'| `{model.name}` | {" | ".join(texts)} |')
    return '\n'.join(lines) + '\n'


def renew(text: str) -> str:
    """The README with the table between the two marks in place of what stood there."""
    before, rest = text.split(START)
    return f'{before}{START}\n{table()}\n{END}{rest.split(END)[1]}'


def main() -> None:
    """Writes page and table."""
    for path, text in ((PAGE, page()), (README, renew(README.read_text(encoding='utf-8')))):
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    run_program(lambda argv: main())

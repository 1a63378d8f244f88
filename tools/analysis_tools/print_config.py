"""Prints a config with everything it inherits, or its variants.

python tools/analysis_tools/print_config.py configs/mixste/cmu_27.py --cfg-options train_cfg.max_epochs=3
python tools/analysis_tools/print_config.py configs/motionbert/h36m_243.py --variants
python tools/analysis_tools/print_config.py configs/motionbert/h36m_243.py --variant scratch
"""

from collections.abc import Iterator
from typing import Any

from poselifter.engine.tool import ToolParser, read_config
from poselifter.errors import run_program


def changes(node: dict[str, Any], path: str = '') -> Iterator[str]:
    """The values of nested dicts as options: ``'train_cfg.max_epochs=120'``."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from changes(value, f'{path}{key}.')
        else:
            yield f'{path}{key}={value!r}'


def main(argv: list[str] | None = None) -> None:
    """Prints the config as a config file, or a line for each variant: its name and what it changes."""
    parser = ToolParser(__doc__)
    parser.add_config('config', '--options')
    parser.add_argument('--variants', action='store_true', help='list the variants instead')
    args = parser.parse_args(argv)
    config = read_config(args)
    if not args.variants:
        print(config.pretty_text)
    for name, change in (config.get('variants') or {}).items() if args.variants else ():
        print(f'{name}: {", ".join(changes(change))}')


if __name__ == '__main__':
    run_program(main)

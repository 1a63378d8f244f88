"""Prints a config with everything it inherits.

python tools/analysis_tools/print_config.py configs/mixste/cmu_27.py --cfg-options train_cfg.max_epochs=3
"""

from poselifter.engine import load_config
from poselifter.engine.tool import ToolParser
from poselifter.errors import run_program


def main(argv: list[str] | None = None) -> None:
    """Prints the config as a config file."""
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_cfg_options('--options')
    args = parser.parse_args(argv)
    print(load_config(args.config, args.cfg_options).pretty_text)


if __name__ == '__main__':
    run_program(main)

"""Draws a confusion matrix: a row a true class, a column a predicted one.

python tools/test.py CONFIG CHECKPOINT --cfg-options test_evaluator.confusion_file=confusion.csv
python tools/analysis_tools/plot_confusion.py confusion.csv confusion.png --config CONFIG
"""

import numpy as np
from inspection.charts import save_confusion

from poselifter.engine.tool import ToolParser, read_config
from poselifter.errors import InputError, reading, run_program


def read_matrix(path: str) -> np.ndarray:
    """Counts (C, C) of a csv file.

    Raises:
        InputError: no such file, or it holds no such matrix.
    """
    with reading(f'{path} is no csv file of numbers', 'let ActionMetric write it (confusion_file)'):
        matrix = np.loadtxt(path, delimiter=',', ndmin=2)
    if matrix.shape[0] != matrix.shape[1] or (matrix < 0).any():
        raise InputError(f'{path} holds {matrix.shape} numbers, expected counts (C, C); let ActionMetric write it')
    return matrix


def main(argv: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('matrix', help='csv file that ActionMetric wrote')
    parser.add_argument('out', help='picture to write, .png')
    parser.add_config('--config', help='config whose `actions` name the classes')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='names of the classes')
    args = parser.parse_args(argv)
    matrix = read_matrix(args.matrix)
    names = args.classes or (args.config and read_config(args).get('actions')) or list(map(str, range(len(matrix))))
    if len(names) != len(matrix):
        raise InputError(f'{len(names)} names for the {len(matrix)} classes of {args.matrix}; give one for each')
    title = f'{int(matrix.sum()):,} clips, {100 * matrix.trace() / max(matrix.sum(), 1):.1f} % right'
    save_confusion(args.out, matrix, names, title)


if __name__ == '__main__':
    run_program(main)

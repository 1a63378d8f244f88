"""The simulated detector against BlazePose on a real film: sizes, memory, swaps and scores of its errors."""

import pytest


@pytest.fixture
def tables(tool, repository, shared, monkeypatch, capsys):
    """Rows of numbers by detector, and columns of (fraction, error) by detector, from the lowest scores on."""
    monkeypatch.syspath_prepend(str(repository / 'benchmarks'))
    tool('../benchmarks/detector_residuals').main(['--data', str(shared / 'data')])
    sizes, scores = (
        [[cell.strip() for cell in line.strip('|').split('|')] for line in part.splitlines()]
        for part in capsys.readouterr().out.split('\n\n')
    )
    rows = {row[0]: [float(cell) for cell in row[1:]] for row in sizes[2:]}
    columns = zip(*(row[1:] for row in scores[2:]), strict=True)
    return rows, [[tuple(map(float, cell.split(','))) for cell in column if ',' in cell] for column in columns]


def test_errors_are_like_those_of_blazepose(tables):
    """Each of three strengths like one of three models; medians over a few views, so within a third."""
    rows, columns = tables
    for real, strength in (('lite', '1.4'), ('full', '1'), ('heavy', '0.6')):
        made = rows[f'simulated, strength {strength}']
        assert made[:4] == pytest.approx(rows[real][:4], rel=1 / 3), real
        assert made[4] == pytest.approx(rows[real][4], abs=2), real  # percent of the frames
    for real, made in zip(columns[:3], columns[3:], strict=True):
        assert sum(part for part, _ in made[:-2]) == pytest.approx(sum(part for part, _ in real[:-2]), abs=0.08)
        for column in (real, made):  # surer points are nearer
            assert column[-1][0] > 0.5 and column[-1][1] < column[-2][1] <= 1.2 * column[-3][1]

"""Reader of TRC, the marker files of OpenSim, Pose2Sim and Motion Analysis."""

import numpy as np

from ...errors import InputError
from ...light_registry import register_reader
from ..motion import Motion, floats
from .document import Document

UNITS = {'m': 1.0, 'meters': 1.0, 'cm': 0.01, 'mm': 0.001, 'millimeters': 0.001, 'in': 0.0254}  # in metres
_HEADER = 5  # lines before the first row, which may be blank


@register_reader('trc', 'TRC files', lambda document: document.text.startswith('PathFileType'), gives='motion')
def read_trc(document: Document) -> Motion:
    """Reads the markers of all frames; y is up, as OpenSim and Pose2Sim have it.

    Returns:
        The motion; a marker whose cells are empty or NaN is not seen.

    Raises:
        InputError: the header lacks something, the unit is unknown, or numbers of markers, frames or cells disagree.
    """
    path, lines = document.path, document.text.splitlines()
    if len(lines) <= _HEADER:
        raise InputError(
            f'{path} has {len(lines)} lines, expected a header of {_HEADER} and a row a frame; it may be cut off'
        )
    header = dict(zip(lines[1].split(), lines[2].split(), strict=False))  # some leave the last value out
    missing = [key for key in ('DataRate', 'NumFrames', 'NumMarkers', 'Units') if key not in header]
    if missing:
        raise InputError(f'{path}: the header has no {missing[0]}, expected DataRate, NumFrames, NumMarkers and Units')
    if header['Units'].lower() not in UNITS:
        raise InputError(
            f'{path}: Units are {header["Units"][:20]!r}, expected one of {", ".join(UNITS)}; mend the header'
        )
    names = [cell.strip() for cell in lines[3].split('\t')[2:] if cell.strip()]
    rate, frames, markers = floats([header[key] for key in ('DataRate', 'NumFrames', 'NumMarkers')], f'{path}, header')
    rows = [line.split('\t') for line in lines[_HEADER:] if line.strip()]
    if markers != len(names) or frames != len(rows) or not names or rate <= 0:
        stated = f'NumMarkers {markers:g}, NumFrames {frames:g} and DataRate {rate:g}'
        raise InputError(
            f'{path}: {stated} for {len(names)} names and {len(rows)} rows; mend the header, or export again'
        )
    width = 2 + 3 * len(names)
    if sum(map(len, rows)) * 10 < width * len(rows):  # a small file could ask for gigabytes
        raise InputError(f'{path}: most rows have few of the {width} cells, three for each marker; export it again')
    table = []
    for number, row in enumerate(rows):
        if any(cell.strip() for cell in row[width:]) or len(row) < 2:
            raise InputError(f'{path}, row {number + 1}: {len(row)} cells, expected {width}, three for each marker')
        cells = [cell.strip() for cell in (row + [''] * width)[:width]]
        given = [c for c, cell in enumerate(cells) if cell and cell.lower() != 'nan']
        values = np.full(width, np.nan)
        values[given] = floats([cells[c] for c in given], f'{path}, row {number + 1}')
        table.append(values)
    values = np.array(table)
    points = values[:, 2:].reshape(len(rows), -1, 3)
    first = values[0, 0]
    if not (abs(first) < 1e9 and first % 1 == 0):
        raise InputError(f'{path}, row 1: the frame is {first:g}, expected a whole number')
    return Motion(
        tuple(names), None, None, points, None, fps=float(rate), unit_m=UNITS[header['Units'].lower()],
        source=str(path), up='y', first_frame=int(first),
    )  # fmt: skip

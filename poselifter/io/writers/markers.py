"""Markers over time for biomechanics: TRC and C3D, a file for each person, y up, every frame."""

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...light_registry import register_writer
from ...skeletons import get_skeleton
from ...structures import Result
from ...utils import atomic_write
from .motion import places, write_each_person
from .tables import as_text, blocks_of

_MOST_FRAMES = 65535  # the format counts them in 16 bits


@register_writer('trc', '.trc', needs=('poses',))
def write_trc(path: Path, result: Result) -> list[Path]:
    """Joints as markers in metres, as OpenSim reads them; empty where a joint or a frame is not known."""
    return write_each_person(path, result, _write_trc, numbered=True)


def _write_trc(path: Path, person: Result, frames: np.ndarray) -> None:
    names, joints = get_skeleton(person.skeleton_3d).joint_names, places(person, frames)
    rate, count = f'{person.fps:g}', str(len(frames))
    about = {'DataRate': rate, 'CameraRate': rate, 'NumFrames': count, 'NumMarkers': str(len(names)), 'Units': 'm'}
    about |= {'OrigDataRate': rate, 'OrigDataStartFrame': str(frames[0] + 1), 'OrigNumFrames': count}
    axes = [f'{axis}{number}' for number in range(1, len(names) + 1) for axis in 'XYZ']
    head = [['PathFileType', '4', '(X/Y/Z)', path.name], [*about], [*about.values()]]
    head += [['Frame#', 'Time', *(cell for name in names for cell in (name, '', ''))], ['', '', *axes], []]
    values = np.concatenate([frames[:, None] / person.fps, joints.reshape(len(frames), -1)], 1)
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.writelines('\t'.join(row) + '\n' for row in head)
        for block in blocks_of(len(frames)):
            rows = np.column_stack([(frames[block] + 1).astype(str), as_text(values[block], 6)])
            file.writelines('\t'.join(row) + '\n' for row in rows)


@register_writer('c3d', '.c3d', ('poses',), ('ezc3d', 'poselifter[formats]'))
def write_c3d(path: Path, result: Result) -> list[Path]:
    """Joints as markers in millimetres; the residual of those that are not known is -1."""
    return write_each_person(path, result, _write_c3d, numbered=True)


def _write_c3d(path: Path, person: Result, frames: np.ndarray) -> None:
    import ezc3d

    if frames[-1] >= _MOST_FRAMES:
        raise InputError(
            f'{path.name} would reach frame {frames[-1] + 1}, C3D holds {_MOST_FRAMES}; write trc, or cut the film'
        )
    joints = places(person, frames).transpose(2, 1, 0) * 1000
    document = ezc3d.c3d()
    document['header']['points']['first_frame'] = int(frames[0])
    points = document['parameters']['POINT']
    points['RATE']['value'], points['UNITS']['value'] = [person.fps], ['mm']
    points['LABELS']['value'] = list(get_skeleton(person.skeleton_3d).joint_names)
    document.add_parameter('POINT', 'X_SCREEN', ['+X'])
    document.add_parameter('POINT', 'Y_SCREEN', ['+Y'])
    document['data']['points'] = np.concatenate([joints, np.ones_like(joints[:1])])
    document['data']['meta_points']['residuals'] = np.where(np.isnan(joints[:1]), -1.0, 0.0)
    with atomic_write(path) as temporary:
        document.write(str(temporary))

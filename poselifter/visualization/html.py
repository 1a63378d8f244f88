"""A self-contained page that shows tracks in 3D and opens from disk without a network."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..light_registry import register_writer
from ..skeletons import get_skeleton
from ..structures import MovingBody, Result
from ..utils.files import atomic_write
from .light_copy import light_copy
from .sizes import limb_radius, usual_range
from .styles import THEMES, edge_sides

_ASSETS = Path(__file__).with_name('assets')


@register_writer('html', '.html', needs=('poses', 'body'))
def write_page(path: Path, result: Result) -> None:
    """A page to orbit, play and scrub through the 3D poses of one or several persons, over the film where there is one.

    In the world persons stand where they are, on the ground, and the film's camera can be looked through. Without a
    root trajectory several persons stand side by side; the truth is grey, a body has linear skinning with the four
    strongest bones of a vertex. A light copy of the film lies in the page, or beside it where it is long.

    Raises:
        InputError: a joint is not known, the body has too many vertices, or the file cannot be written.
    """
    write_side_by_side(path, [result])


def write_side_by_side(path: Path, results: Sequence[Result], names: Sequence[str] = ('',)) -> None:
    """One page of one or several results for the same frames, side by side; the first gives film, camera and 2D.

    Raises:
        InputError: see :func:`write_page`; or the results have different frame rates.
    """
    result = results[0]
    table, solid, poses = result.table, get_skeleton(result.skeleton_3d), result.complete_poses()
    rates = {other.fps for other in results}
    if len(rates) > 1:
        raise InputError(f'results have {sorted(rates)} frames a second, expected one rate; lift with the same --fps')
    tracks = [
        {
            **_track(other, str(track), rows),
            'result': number,
            'skeleton_3d': describe_skeleton(other.skeleton_3d),
        }
        for number, other in enumerate(results)
        for track, rows in other.table.tracks()
    ]
    root = 'root' if solid.root is None else solid.joint_names[solid.root]
    people = f'{len(tracks)} persons' if len(tracks) > 1 else '1 person'
    people = f'{", ".join(names)} · {people}' if len(results) > 1 else people
    people += ', side by side' if len(tracks) > 1 and result.root is None else ''
    units = f'metres from the {root}, x right, y down, z forward'
    if result.world_from_camera is not None:
        units = 'world: metres, z up, ground at z = 0'
    data = {
        'metadata': f'{people} · {solid.name} · {result.fps:g} fps\n{units}',
        'fps': result.fps,
        'thickness': limb_radius(poses),
        'results': list(names),
        'tracks': tracks,
    }
    if table.keypoints.shape[1]:
        data |= {'skeleton_2d': describe_skeleton(result.skeleton), 'window': usual_range(table).tolist()}
    if table.img_shape is not None:
        data['picture'] = [table.img_shape[1], table.img_shape[0]]
    if result.root is not None and result.camera_matrix is not None:
        data['camera'] = _camera(result)
    if result.film is not None:
        data['film'] = light_copy(path, result.film, result.fps)
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8', errors='replace') as file:
        file.writelines(page_pieces(data, path.stem))


def _camera(result: Result) -> dict[str, Any]:
    """The camera for JSON: focal lengths and principal point, size of the picture, and its place in the world."""
    matrix, world = result.camera_matrix, result.world_from_camera
    size = result.table.img_shape or (2 * matrix[1, 2], 2 * matrix[0, 2])
    camera = {'lens': matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist(), 'size': [float(size[1]), float(size[0])]}
    return camera if world is None else camera | {'world': world[:3].tolist()}


def _track(result: Result, name: str, rows: slice) -> dict[str, Any]:
    """One person for JSON; 0.1 mm and 0.1 px are fine enough for the eye."""
    table = result.table
    track = {'id': name, 'frames': table.frame_indices[rows].tolist(), 'keypoints_3d': pack(result.poses[rows])}
    more = {'truth_3d': result.truth, 'root_3d': result.root, 'uncertainty': result.uncertainty}
    more['contacts'] = None if result.contacts is None else np.asarray(result.contacts, np.float32)
    track |= {key: pack(array[rows]) for key, array in more.items() if array is not None}
    if table.keypoints.shape[1]:
        visible = table.keypoints_visible[rows, :, None] > 0
        track['keypoints_2d'] = pack(np.where(visible, table.keypoints[rows], np.nan))
    if result.body is not None:
        track['mesh'] = _mesh(result.body, result.root)
    return track


def _mesh(body: MovingBody, root: np.ndarray | None) -> dict[str, dict[str, Any]]:
    """A body for JSON, its bones relative to the root as poses are."""
    vertices, faces, bones = body.rest_vertices, body.surface, body.bones().copy()
    if len(vertices) > 32767:
        raise InputError(f'the body has {len(vertices)} vertices, expected 32767 at most; leave html out')
    if root is not None:
        bones[..., 3] -= root[:, None]
    owners, weights = body.strongest_bones()
    mesh = {'vertices': pack(vertices), 'bones': pack(bones), 'weights': pack(weights)}
    return {**mesh, 'faces': pack(faces, 1), 'owners': pack(owners, 1)}


def pack(array: np.ndarray, unit: float = 1e-4) -> dict[str, Any]:
    """Packs an array as base64 of little-endian int16; -32768 stands for NaN.

    Args:
        array: numbers; may hold NaN.
        unit: step of the integers; coarser where the range needs it.

    Returns:
        ``data``, ``unit`` and ``shape``; value = integer * unit.

    Example:
        >>> pack(np.array([0.5, -1.0]))
        {'data': 'iBPw2A==', 'unit': 0.0001, 'shape': [2]}
    """
    unit = max(unit, float(np.nanmax(np.abs(array), initial=0)) / 32767)
    numbers = np.where(np.isnan(array), -32768, np.round(np.nan_to_num(array) / unit)).astype('<i2')
    return {'data': base64.b64encode(numbers.tobytes()).decode(), 'unit': unit, 'shape': list(array.shape)}


def describe_skeleton(name: str) -> dict[str, Any]:
    """Joints, edges and their sides for JSON."""
    skeleton = get_skeleton(name)
    return {
        'joints': skeleton.joint_names,
        'sides': skeleton.sides,
        'edges': skeleton.edges,
        'edgeSides': edge_sides(skeleton),
    }


def colour_sheet() -> str:
    """The themes' colours as CSS variables."""
    light, dark = (''.join(f'--{name}:{value};' for name, value in theme.items()) for theme in THEMES.values())
    return f':root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}'


_PLACES = re.compile(r'\{\{(\w+)\}\}')  # where a template has parts put in
_SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.S)
_DRAWING = {'three': 'three.module.min.js', 'three/controls': 'OrbitControls.min.js', 'figures': 'figures.js'}
_MODULES = {  # of each kind of page, by the names under which others import them
    'viewer': {**_DRAWING, 'film': 'film.js', 'curves': 'curves.js', 'program': 'viewer.js'},
    'live': {**_DRAWING, 'stage': 'stage.js', 'program': 'live.js'},
}


def make_page(data: dict[str, Any], title: str, kind: str = 'viewer') -> str:
    """A page of some ``kind``, a template and its program in the assets, with styles and data put in."""
    return ''.join(page_pieces(data, title, kind))


def page_pieces(data: dict[str, Any], title: str, kind: str = 'viewer') -> Iterator[str]:
    """The page in pieces: a long film's data would fill the memory as one."""
    parts = {
        'title': html.escape(title),
        'colours': colour_sheet(),
        'style': _asset('viewer.css'),
        'program': _program(kind),
    }
    template = _asset(f'{kind}.html')
    [script] = _SCRIPT.findall(template)
    parts['script'] = _hash(script.replace('{{program}}', parts['program']))
    for number, piece in enumerate(_PLACES.split(template)):
        if number % 2 == 0:
            yield piece
        elif piece != 'data':
            yield parts[piece]
        else:
            encoded = json.JSONEncoder(separators=(',', ':')).iterencode(data)
            yield from (text.replace('<', '\\u003c') for text in encoded)  # no text may end the script element


def _hash(script: str) -> str:
    """A script of the page as its content security policy names it: no other one in the page is run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _program(kind: str) -> str:
    """The script of a page: its modules as texts, which it imports by blob: addresses that it alone can make.

    An import map would need data: addresses, and a policy that allows these allows anybody's script.
    """
    modules = json.dumps([(name, _asset(file)) for name, file in _MODULES[kind].items()], ensure_ascii=False)
    return _asset('modules.js').replace('{{modules}}', modules.replace('<', '\\u003c'))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding='utf-8')

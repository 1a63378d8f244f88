"""A self-contained page that shows tracks in 3D and opens from disk without a network."""

import base64
import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..skeletons import Skeleton, get_skeleton
from ..utils.files import atomic_write
from .animation import check_fps
from .clip import check_array, check_keypoints, limb_radius
from .picture import check_suffix
from .styles import THEMES, edge_sides

_ASSETS = Path(__file__).with_name('assets')
_KEYS = ('id', 'frame_indices', 'keypoints_3d', 'root_3d', 'truth_3d', 'keypoints_2d', 'visible', 'mesh')


def save_html(
    path: str | os.PathLike,
    tracks: Sequence[Mapping[str, Any]],
    skeleton_3d: str,
    fps: float,
    skeleton_2d: str | None = None,
    title: str = 'poselifter',
) -> None:
    """Saves a page to orbit, play and scrub through the 3D poses of one or several persons.

    Args:
        path: file to write, ``.html``.
        tracks: one mapping a person, with ``id``; ``frame_indices`` (T,)
            increasing; ``keypoints_3d`` (T, K, 3) metres, camera axes (x right,
            y down, z forward), root-relative; and, where known, ``root_3d``
            (T, 3) metres, the root in the camera frame; ``truth_3d`` (T, K, 3),
            shown in grey; ``keypoints_2d`` (T, J, 2) pixels with ``visible`` (T, J), not
            drawn where 0; ``mesh``, a skinned body, see :func:`check_mesh`.
            Without ``root_3d`` several persons stand side by side.
        skeleton_3d: joint set of K joints.
        fps: frames a second.
        skeleton_2d: joint set of ``keypoints_2d``, needed where those are given.
        title: heading of the page.

    Raises:
        InputError: no tracks, a track lacks a key, arrays do not fit together
            or hold NaN, or the file cannot be written.
    """
    path, fps = check_suffix(path, ['.html']), check_fps(fps)
    solid = get_skeleton(skeleton_3d)
    flat = None if skeleton_2d is None else get_skeleton(skeleton_2d)
    if not len(tracks):
        raise InputError('tracks is empty, expected one or more persons; check that the input holds any')
    arrays = [_check_track(track, solid, flat) for track in tracks]
    poses = np.concatenate([track['keypoints_3d'] for track in arrays])
    root = 'root' if solid.root is None else solid.joint_names[solid.root]
    people = f'{len(tracks)} persons' if len(tracks) > 1 else '1 person'
    if len(tracks) > 1 and not all('root_3d' in track for track in arrays):
        people += ', side by side'
    data = {
        'facts': f'{people} · {solid.name} · {fps:g} fps\nmetres from the {root}, x right, y down, z forward',
        'fps': fps,
        'thickness': limb_radius(poses),
        'skeleton_3d': _skeleton(solid),
        'tracks': [_pack_track(track) for track in arrays],
    }
    if any('keypoints_2d' in track for track in arrays):
        points = np.concatenate([track['keypoints_2d'].reshape(-1, 2) for track in arrays if 'keypoints_2d' in track])
        points = points[np.isfinite(points).all(-1)] if np.isfinite(points).any() else np.zeros((1, 2))
        data |= {'skeleton_2d': _skeleton(flat), 'window': np.percentile(points, [0.5, 99.5], axis=0).tolist()}
    with atomic_write(path) as temporary:
        temporary.write_text(_page(data, title), encoding='utf-8')


def _check_track(track: Mapping[str, Any], solid: Skeleton, flat: Skeleton | None) -> dict[str, Any]:
    """The track with checked float arrays; keys that are absent or ``None`` are left out."""
    track = {key: value for key, value in track.items() if value is not None}
    missing, unknown = set(_KEYS[:3]) - set(track), set(track) - set(_KEYS)
    if missing or unknown:
        raise InputError(
            f'a track has the keys {sorted(track)}, expected {", ".join(_KEYS[:3])} and perhaps {", ".join(_KEYS[3:])}'
        )
    name = f'track {track["id"]}'
    poses = check_array(f'{name}: keypoints_3d', track['keypoints_3d'], (None, solid.num_joints, 3), '(T, K, 3)')
    t = len(poses)
    frames = check_array(f'{name}: frame_indices', track['frame_indices'], (t,), '(T,)')
    if (frames != np.rint(frames)).any() or (np.diff(frames) <= 0).any():
        raise InputError(f'{name}: frame_indices must be whole numbers that increase; sort them and drop doubles')
    checked = {'id': str(track['id']), 'frames': frames.astype(int).tolist(), 'keypoints_3d': poses}
    for key, shape in (('truth_3d', poses.shape), ('root_3d', (t, 3))):
        if key in track:
            checked[key] = check_array(f'{name}: {key}', track[key], shape, str(shape))
    if 'keypoints_2d' in track:
        if flat is None:
            raise InputError(f'{name} has keypoints_2d, but skeleton_2d is not given; name their joint set')
        points, visible = check_keypoints(track['keypoints_2d'], track.get('visible'), t, flat)
        checked['keypoints_2d'] = np.where(visible[..., None] > 0, points, np.nan)
    if 'mesh' in track:
        checked['mesh'] = check_mesh(f'{name}: mesh', track['mesh'], t)
    return checked


def check_mesh(name: str, mesh: Mapping[str, Any], t: int) -> dict[str, dict[str, Any]]:
    """Packs a skinned body for the page, with the four strongest bones of each vertex.

    Args:
        name: for messages.
        mesh: ``vertices`` (V, 3) at rest, ``faces`` (F, 3), ``weights`` (V, K)
            of the bones, and ``bones`` (T, K, 3, 4), which take a point at rest
            to the axes and the origin of ``keypoints_3d``.
        t: T.

    Raises:
        InputError: the arrays do not fit together or hold NaN.
    """
    if not isinstance(mesh, Mapping) or {'vertices', 'faces', 'weights', 'bones'} - mesh.keys():
        raise InputError(f'{name} needs vertices, faces, weights and bones; give a mapping of these arrays')
    vertices = check_array(f'{name} vertices', mesh['vertices'], (None, 3), '(V, 3)')
    weights = check_array(f'{name} weights', mesh['weights'], (len(vertices), None), '(V, K)')
    faces = check_array(f'{name} faces', mesh['faces'], (None, 3), '(F, 3)')
    bones = check_array(f'{name} bones', mesh['bones'], (t, weights.shape[1], 3, 4), '(T, K, 3, 4)')
    if len(vertices) > 32767 or faces.max() >= len(vertices):
        raise InputError(f'{name} has {len(vertices)} vertices, expected 32767 at most, and faces of these only')
    owners = np.argsort(-weights, 1)[:, :4]
    shares = np.take_along_axis(weights, owners, 1)
    shares /= shares.sum(1, keepdims=True)
    parts = {'vertices': pack(vertices), 'faces': pack(faces, 1), 'owners': pack(owners, 1), 'bones': pack(bones)}
    return {**parts, 'shares': pack(shares)}


def _pack_track(track: dict[str, Any]) -> dict[str, Any]:
    """The track for JSON: 0.1 mm and 0.1 px are fine enough for the eye."""
    return {k: pack(v) if isinstance(v, np.ndarray) else v for k, v in track.items()}


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


def _skeleton(skeleton: Skeleton) -> dict[str, Any]:
    return {
        'joints': skeleton.joint_names,
        'sides': skeleton.sides,
        'edges': skeleton.edges,
        'edgeSides': edge_sides(skeleton),
    }


def _page(data: dict[str, Any], title: str) -> str:
    """The template with program, styles and data put in."""
    light, dark = (''.join(f'--{name}:{value};' for name, value in theme.items()) for theme in THEMES.values())
    parts = {
        'title': html.escape(title),
        'colours': f':root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}',
        'style': _asset('viewer.css'),
        'three': _module('three.module.min.js'),
        'controls': _module('OrbitControls.min.js'),
        'figures': _module('figures.js'),
        'viewer': _asset('viewer.js'),
        'data': json.dumps(data, separators=(',', ':')).replace('<', '\\u003c'),  # no text may end the script element
    }
    return re.sub(r'\{\{(\w+)\}\}', lambda match: parts[match[1]], _asset('viewer.html'))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding='utf-8')


def _module(name: str) -> str:
    """A script as a data: URL, which an import map may name where a file: URL may not."""
    return 'data:text/javascript;base64,' + base64.b64encode(_asset(name).encode()).decode()

"""The calibrated cameras of Human3.6M and HumanEva, whose files come without them."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import check_names
from ..geometry import Camera, quaternion_to_matrix


@cache
def mocap_cameras(dataset: str) -> dict[str, dict[str, Camera]]:
    """Cameras by subject and name, in the order in which files list them.

    Convention: VideoPose3D's table, which is not that of Human3.6M's metadata:
    the tangential coefficients are in the order of :func:`~poselifter.geometry.project`, which reproduces its 2D files.

    Args:
        dataset: ``'h36m'``, or ``'humaneva'``, whose cameras have no intrinsics
            (focal length 1, centre 0: they cannot project).

    Returns:
        ``{'S1': {'54138969': camera, ...}, ...}``, positions in metres.
    """
    table = json.loads(Path(__file__).with_name('cameras.json').read_text(encoding='utf-8'))[dataset]
    lenses = [{'focal': (1, 1), 'centre': (0, 0), **lens} for lens in table['cameras']]
    names = [lens.pop('name') for lens in lenses]
    subjects = {}
    for subject, rows in table['subjects'].items():
        poses = np.array(rows)
        rotations = quaternion_to_matrix(poses[:, :4]).swapaxes(1, 2)  # stored camera to world
        subjects[subject] = {
            name: Camera(**lens, rotation=rotation, position=position)
            for name, lens, rotation, position in zip(names, lenses, rotations, poses[:, 4:] / 1000, strict=True)
        }
    return subjects


def view_info(name: str, camera: Camera, action: str, actions: Sequence[str]) -> dict[str, Any]:
    """The metadata of a sequence that follow from its camera and its action, a class of ``actions`` or -1."""
    info = {'camera': name, 'img_shape': camera.size[::-1], 'action_name': action}
    info['action'] = actions.index(action) if action in actions else -1
    return info | ({'camera_param': camera.to_dict()} if (camera.focal > 1).all() else {})


def h36m_pictures(names: Iterable[str], where: object) -> dict[str, tuple[int, int]]:
    """(height, width) of the pictures of Human3.6M's cameras; ``where`` their names come from is for the message.

    Raises:
        InputError: a name is no camera's.
    """
    known = mocap_cameras('h36m')['S1']
    check_names(f'{where} has the cameras', map(str, names), known)
    return {name: camera.size[::-1] for name, camera in known.items()}

"""Films and pictures to 2D keypoints: frames, and detectors by name."""

import os
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..errors import check_choice
from ..light_registry import DETECTORS
from ..structures import KeypointTable
from . import adapters, blazepose
from .film import Frame, Frames, expand_inputs, is_film, open_frames

DEFAULT_DETECTOR = 'blazepose-full'


@lru_cache(maxsize=1)
def build_detector(name: str = DEFAULT_DETECTOR) -> Any:
    """A detector of ``DETECTORS``: called with ``Frames`` it gives a ``KeypointTable``.

    Args:
        name: ``'blazepose-full'``; a setting follows after ``=``: ``'ultralytics=yolo11n-pose.pt'``.

    Raises:
        InputError: the name is unknown, or what the detector needs cannot be had.
    """
    name, _, setting = name.partition('=')
    check_choice('detector', name, sorted(DETECTORS.module_dict))
    return DETECTORS.get(name)(*([setting] if setting else []))


def detect_keypoints(
    path: str | os.PathLike[str],
    detector: str | None = None,
    fps: float | None = None,
    start: float | None = None,
    end: float | None = None,
) -> KeypointTable:
    """Keypoints of everybody in a film, a folder of pictures or a picture.

    Args:
        path: see :func:`open_frames`, also for ``fps``, ``start`` and ``end``.
        detector: see :func:`build_detector`; ``None`` means BlazePose full.

    Raises:
        InputError: it cannot be read, there is nobody in it, or the detector cannot be had.
    """
    frames, name = open_frames(path, fps, start, end), detector or DEFAULT_DETECTOR
    return replace(build_detector(name)(frames), source=f'{path} ({name})')

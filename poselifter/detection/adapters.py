"""Detectors of other libraries, where the user has them; none is imported before it is asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import InputError, reading
from ..light_registry import DETECTORS
from ..structures import KeypointTable
from .film import Frame, Frames
from .table import Rows, make_table, with_progress

#: Joints that are read of a library's, by their number: a whole body begins with a body and its feet.
_BODIES = {17: ('coco17', 17), 26: ('halpe26', 26), 133: ('coco_wholebody133_body23', 23)}


@dataclass(frozen=True)
class Sighting:
    """A person in one picture.

    Attributes:
        keypoints: (J, 2) pixels.
        visibility: (J,) in [0, 1].
        track: id over time; -1 where nobody is followed.
    """

    keypoints: np.ndarray
    visibility: np.ndarray
    track: int = -1


class FrameDetector:
    """A detector that looks at each picture alone; persons get ids later, from their places.

    Args:
        detect: function of a picture (H, W, 3) uint8 BGR; gives keypoints (P, J, 2) pixels and scores (P, J).
    """

    skeleton = ''

    def __init__(self, detect: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
        self.detect = detect

    def __call__(self, frames: Frames) -> KeypointTable:
        """A table of all persons, numbered -1, -2, ... within their frame; raises InputError if there is nobody."""
        rows = Rows()
        for frame, persons in self.follow(with_progress(frames)):
            for number, person in enumerate(persons, 1):
                rows.add(frame, -number, person.keypoints, person.visibility)
        return make_table(frames, rows, self.skeleton)

    def follow(self, frames: Iterable[Frame], live: bool = False) -> Iterator[tuple[Frame, list[Sighting]]]:
        """Each frame with the persons in it, who have no id; raises InputError where their joints are of no set.

        Every frame is searched whole, so it makes no difference whether frames come ``live``.
        """
        for frame in frames:
            persons = []
            keypoints, scores = self.detect(np.ascontiguousarray(frame.image[..., ::-1]))
            for points, score in zip(keypoints, scores, strict=True):
                if len(points) not in _BODIES:
                    raise InputError(f'the detector gives {len(points)} joints, expected one of {list(_BODIES)}')
                self.skeleton, kept = _BODIES[len(points)]
                persons.append(Sighting(points[:kept], score[:kept]))
            yield frame, persons


def rtmlib_detector(solution: str, mode: str = 'balanced', **settings: Any) -> FrameDetector:
    """RTMPose and YOLOX by rtmlib (Apache-2.0), which fetches its networks at the first use.

    Args:
        solution: ``Body`` (17 joints), ``BodyWithFeet`` (26) or ``Wholebody`` (133, of which body and feet are read).
        mode: ``lightweight``, ``balanced`` or ``performance``.
        **settings: of rtmlib's class, for example ``det`` and ``pose``: files of networks.

    Raises:
        InputError: rtmlib is not installed, or its networks cannot be had.
    """
    try:
        import rtmlib
    except ImportError as error:
        raise InputError(f'rtmlib cannot be imported ({error}); run: pip install rtmlib') from error
    how = 'check the network, or give its files'
    with reading(f'the networks of rtmlib ({mode}) cannot be had', how, (Exception,)):
        body = getattr(rtmlib, solution)(mode=mode, backend='onnxruntime', **settings)

    def detect(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes = body.det_model(image)
        return body.pose_model(image, bboxes=boxes) if len(boxes) else ((), ())  # without boxes it takes the picture

    return FrameDetector(detect)


def ultralytics_detector(weights: str = '') -> FrameDetector:
    """YOLO by Ultralytics (AGPL-3.0: the user's own choice), from a file of weights of a pose model.

    Raises:
        InputError: no file is named, ultralytics is not installed, or it cannot read the file.
    """
    if not weights:
        raise InputError('ultralytics needs the file of a pose model; give --detector ultralytics=yolo11n-pose.pt')
    try:
        from ultralytics import YOLO
    except ImportError as error:
        raise InputError(f'ultralytics cannot be imported ({error}); run: pip install ultralytics') from error
    with reading(f'{weights} is no pose model that ultralytics reads', 'give another file', (Exception,)):
        model = YOLO(weights)

    def detect(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        [result] = model(image, verbose=False)
        if result.keypoints is None:
            raise InputError(f'{weights} finds no keypoints, expected a pose model; give for example yolo11n-pose.pt')
        points = result.keypoints.data.cpu().numpy()  # (P, J, 3), (0, 1, 3) or (0, J, 3) of nobody
        return points[..., :2], points[..., 2]

    return FrameDetector(detect)


def mmpose_detector(model: str = 'human') -> FrameDetector:
    """MMPose's inferencer; ``model`` is an alias or config of its zoo.

    Raises:
        InputError: mmpose is not installed, or has no such model.
    """
    try:
        from mmpose.apis import MMPoseInferencer
    except ImportError as error:
        raise InputError(f'mmpose cannot be imported ({error}); see mmpose.readthedocs.io for its set-up') from error
    with reading(f'mmpose cannot build {model}', 'give another name or config', (Exception,)):
        inferencer = MMPoseInferencer(model)

    def detect(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        [persons] = next(inferencer(image))['predictions']
        keypoints = [np.array(person['keypoints']) for person in persons]
        return keypoints, [np.array(person['keypoint_scores']) for person in persons]

    return FrameDetector(detect)


for _name, _solution in {'body': 'Body', 'body-feet': 'BodyWithFeet', 'wholebody': 'Wholebody'}.items():
    DETECTORS.register_module(f'rtmlib-{_name}', module=partial(rtmlib_detector, _solution))
DETECTORS.register_module('ultralytics', module=ultralytics_detector)
DETECTORS.register_module('mmpose', module=mmpose_detector)

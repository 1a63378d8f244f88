"""BlazePose: finds persons in pictures, places 33 landmarks on each, and follows them through a film.

Bazarevsky et al., BlazePose: On-device Real-time Body Pose tracking, 2020; networks Apache-2.0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from ..errors import InputError
from ..light_registry import DETECTORS
from ..structures import KeypointTable
from ..utils import count_threads
from .film import Frame, Frames
from .regions import NEAR, SIDE, cut, make_anchors, pick_best, region_of, tiles_of, to_picture, turn
from .table import Rows, make_table, with_progress
from .weights import find_weights

CROP = 256  # pixels of the landmark networks' picture
HIPS, TOP = 33, 34  # of the 39 landmarks: middle of the hips, top of the circle around the person
LIMBS = [*range(11, 17), *range(23, 29)]  # of the 33: shoulder to wrist, hip to ankle, left and right in turn
LIKELY = 0.5  # score from which a candidate is looked at
PRESENT = 0.5  # presence from which a person is followed on
SAME = 0.1  # mean distance of two persons' landmarks, by the side of their region, below which they are one
SEARCH = 0.5  # seconds between searches of the whole picture for newcomers
ROUND = 1.0  # seconds in which such a search goes through the picture where frames come live
TURNED = 0.25  # distance of hips, by the side of the region, within which one upside down is no other person
WIDER = 1.5  # side of the square in which a lost person is looked for, by that of the last region
MEMORY = 1.0  # seconds for which a lost person keeps its id
REACH, SPEED = 0.2, 1.0  # sides of the region, and a second, that a lost person may have gone
SHORTEST = 0.3  # seconds; who is seen for less is no person


@dataclass(frozen=True)
class Person:
    """A person in one picture.

    Attributes:
        keypoints: (33, 2) pixels.
        visibility: (33,) in [0, 1].
        world: (33, 3) the network's own 3D: metres, camera axes, relative to the middle of the hips.
        presence: how sure the network is that there is a person, in [0, 1].
        region: (4,) where the person is expected in the next picture.
        track: id over time; -1 where nobody is followed.
    """

    keypoints: np.ndarray
    visibility: np.ndarray
    world: np.ndarray
    presence: float
    region: np.ndarray
    track: int = -1


class BlazePoseNetworks:
    """Detector and landmark network.

    Args:
        kind: ``lite``, ``full`` or ``heavy``.
        threads: for the networks; ``None`` means all cores.

    Raises:
        InputError: onnxruntime is not installed, or the weights cannot be had.
    """

    def __init__(self, kind: str = 'full', threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError('detecting persons needs onnxruntime; run: pip install "poselifter[video]"') from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or count_threads()
        options.log_severity_level = 3
        self.detector, self.landmarker = (
            onnxruntime.InferenceSession(str(find_weights(f'blazepose-{name}')), options, ['CPUExecutionProvider'])
            for name in ('detector', kind)
        )
        self.anchors = make_anchors()

    def find(self, image: np.ndarray, tile: np.ndarray, threshold: float = LIKELY) -> tuple[np.ndarray, np.ndarray]:
        """Candidates in a square region of a picture: scores (P,) and regions (P, 4), several on one person."""
        picture = cut(image, tile, SIDE).astype(np.float32) / 127.5 - 1
        scores, boxes = self.detector.run(['scores', 'boxes'], {'image': picture[None]})
        scores = _sigmoid(scores.ravel())
        likely = np.flatnonzero(scores > threshold)
        points = boxes[0, likely, 4:8].reshape(-1, 2, 2) / SIDE + self.anchors[likely, None]
        points = to_picture(points.astype(np.float64), tile)
        return scores[likely], region_of(points[:, 0], points[:, 1])

    def place(self, image: np.ndarray, region: np.ndarray) -> Person:
        """Landmarks of the person in a region."""
        picture = cut(image, region, CROP).astype(np.float32) / 255
        outputs = self.landmarker.run(['landmarks', 'world', 'presence'], {'image': picture[None]})
        landmarks, world, presence = (output[0].astype(np.float64) for output in outputs)
        landmarks = landmarks.reshape(39, 5)
        points = to_picture(landmarks[:, :2] / CROP, region)
        return Person(
            keypoints=points[:33],
            visibility=_sigmoid(landmarks[:33, 3]),
            world=turn(world.reshape(39, 3)[:33], region[3]),
            presence=float(presence.item()),
            region=region_of(points[HIPS], points[TOP]),
        )


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2


class BlazePose:
    """Follows every person through a film.

    The region in which a person is looked for follows from the landmarks of the picture before, so that the detector
    runs only where nobody is followed, somebody was lost, or half a second has passed (for newcomers). Two that have
    come to lie on one person are one; who comes back within a second nearby keeps the id.

    Args:
        kind: ``lite``, ``full`` or ``heavy``.
        threads: for the networks; ``None`` means all cores.

    Raises:
        InputError: see :class:`BlazePoseNetworks`.
    """

    skeleton = 'mediapipe33'

    def __init__(self, kind: str = 'full', threads: int | None = None) -> None:
        self.networks = BlazePoseNetworks(kind, threads)

    def __call__(self, frames: Frames) -> KeypointTable:
        """A table of all persons with an id each; raises InputError if there is nobody."""
        rows = Rows()
        for frame, persons in self.follow(with_progress(frames)):
            for person in persons:
                rows.add(frame, person.track, person.keypoints, person.visibility)
        return make_table(frames, rows, self.skeleton, shortest=SHORTEST)

    def follow(self, frames: Iterable[Frame], live: bool = False) -> Iterator[tuple[Frame, list[Person]]]:
        """Each frame with the persons in it, oldest first.

        Args:
            frames: in order of time.
            live: look for newcomers in a part of the picture at a time, so that no frame takes much longer than others.
        """
        crowd = _Crowd(self.networks, live)
        for frame in frames:
            yield frame, crowd.step(frame)


class _Crowd:
    """The persons who are followed, and those who were lost not long ago."""

    def __init__(self, networks: BlazePoseNetworks, live: bool) -> None:
        self.networks, self.live = networks, live
        self.persons: list[Person] = []
        self.lost: list[tuple[float, Person]] = []  # time and state when last seen
        self.searched, self.count, self.part = -np.inf, 0, 0

    def step(self, frame: Frame) -> list[Person]:
        """The persons in a frame, by id."""
        before, moved = self.persons, {}
        persons = []
        for last in before:
            person = replace(self.networks.place(frame.image, last.region), track=last.track)
            moved[last.track] = np.linalg.norm(person.region[:2] - last.region[:2]) / last.region[2]
            persons += [person] if person.presence >= PRESENT else []
        persons.sort(key=lambda person: moved[person.track])  # of two on one person, who came over is wrong
        self.persons = _without_doubles(persons)
        kept = {person.track for person in self.persons}
        self.lost = [(time, person) for time, person in self.lost if frame.time - time <= MEMORY]
        self.lost += [(frame.time, person) for person in before if person.track not in kept]
        if tiles := self.tiles(frame):
            self.search(frame, tiles)
        self.persons.sort(key=lambda person: person.track)
        return self.persons

    def tiles(self, frame: Frame) -> list[np.ndarray]:
        """Squares to search in a frame: for who was lost, and from time to time for newcomers."""
        around = [np.array([*person.region[:2], WIDER * person.region[2], 0]) for _, person in self.lost]
        tiles, waited = tiles_of(frame.image.shape[:2]), frame.time - self.searched + 1e-6
        bit_by_bit = self.live and bool(self.persons)
        if waited < (ROUND / len(tiles) if bit_by_bit else SEARCH):
            return around
        self.searched = frame.time
        if not bit_by_bit:
            return tiles
        self.part = (self.part + 1) % len(tiles)
        return [*around, tiles[self.part]]

    def search(self, frame: Frame, tiles: list[np.ndarray]) -> None:
        """Takes up persons in square parts of the picture who are not followed yet."""
        parts = [self.networks.find(frame.image, tile) for tile in tiles]
        scores, regions = (np.concatenate(part) for part in zip(*parts, strict=True))
        for region in pick_best(scores, regions):
            if any(_is_again(region, person) or _is_limb(region, person) for person in self.persons):
                continue
            person = self.networks.place(frame.image, region)
            if person.presence >= PRESENT and len(_without_doubles([*self.persons, person])) > len(self.persons):
                self.persons.append(replace(person, track=self.identity(frame.time, person)))

    def identity(self, time: float, person: Person) -> int:
        """Id of the nearest lost person who can have come here, or a new one."""
        near = []
        for number, (last, other) in enumerate(self.lost):
            apart = np.linalg.norm(person.region[:2] - other.region[:2]) / max(person.region[2], other.region[2])
            if apart < REACH + SPEED * (time - last):
                near.append((apart, number))
        if near:
            return self.lost.pop(min(near)[1])[1].track
        self.count += 1
        return self.count - 1


def _distance(one: Person, other: Person) -> float:
    """Mean distance of the limbs of two persons by the larger side of their regions, left as right if that is less."""
    limbs = one.keypoints[LIMBS].reshape(-1, 2, 2)  # (limb, side, xy)
    others = other.keypoints[LIMBS].reshape(-1, 2, 2)
    apart = [np.linalg.norm(limbs - places, axis=-1).mean() for places in (others, others[:, ::-1])]
    return float(min(apart) / max(one.region[2], other.region[2]))


def _is_again(region: np.ndarray, person: Person) -> bool:
    """True if a region is that of a person who is followed, perhaps upside down, as the detector takes some for."""
    smaller, larger = sorted([region[2], person.region[2]])
    apart = np.linalg.norm(region[:2] - person.region[:2]) / larger
    turned = np.cos(region[3] - person.region[3]) < 0
    return smaller > 0.5 * larger and apart < (TURNED if turned else NEAR)


def _is_limb(region: np.ndarray, person: Person) -> bool:
    """True if a region is a small part of a person, whose arm or foot the detector may take for somebody."""
    apart = np.linalg.norm(person.keypoints - region[:2], axis=-1).min()
    return region[2] < 0.5 * person.region[2] and apart < 0.25 * region[2]


def _without_doubles(persons: list[Person]) -> list[Person]:
    """The persons without those who lie on one before them."""
    doubles = {id(b) for a, b in combinations(persons, 2) if _distance(a, b) < SAME}
    return [person for person in persons if id(person) not in doubles]


for _kind in ('lite', 'full', 'heavy'):
    DETECTORS.register_module(f'blazepose-{_kind}', module=partial(BlazePose, _kind))

"""PoseTrack18: people followed through short pieces of video, 2D marked by hand."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..registry import DATASETS
from ..skeletons import convert_keypoints, get_skeleton
from .coco_keypoints import load_coco
from .sequence_dataset import SequenceDataset
from .sequences import Sequences

_HOW = (
    'get the annotations from posetrack.net (docs/datasets/posetrack.md) and unpack them to '
    'data/posetrack/posetrack18_annotations, or set data_root'
)


def read_tracks(path: Path) -> dict[str, np.ndarray]:
    """Reads one file of annotations: the json of one video, or MMPose's of a whole part.

    Returns:
        (n, 17, 3) by ``'<file>/<video>/<track>'``: x, y (pixels), visibility 0 or 1 of ``posetrack17``, in the order of
        the file. Frames in which a person is not annotated are missing.

    Raises:
        InputError: the file is damaged or of another kind.
    """
    kind = 'PoseTrack18 with annotations'
    annotations = load_coco(path, kind, _HOW).dataset.get('annotations')
    if not isinstance(annotations, list):
        raise InputError(f'{path} is no file of {kind}; {_HOW}')
    tracks: dict[str, list] = {}
    for number, annotation in enumerate(annotations):
        lacking = [key for key in ('image_id', 'track_id') if key not in annotation]
        keypoints = annotation.get('keypoints')
        if lacking or (keypoints and len(keypoints) != 51):
            fault = f'no {" and no ".join(lacking)}' if lacking else f'{len(keypoints)} numbers as keypoints'
            raise InputError(
                f'{path}: annotation {number} has {fault}, expected a track_id and 51 numbers; '
                f'use the train or val part of PoseTrack18 as it was published'
            )
        if keypoints:  # the last four digits of an image's id are its frame
            name = f'{path.stem}/{annotation["image_id"] // 10000}/{annotation["track_id"]}'
            tracks.setdefault(name, []).append(keypoints)
    return {name: np.array(rows, np.float32).reshape(-1, 17, 3) for name, rows in tracks.items()}


@DATASETS.register_module()
class PoseTrackDataset(SequenceDataset):
    """The first poses of each track that is long and visible enough, by MotionBERT's rules.

    The joints are converted from ``posetrack17``; a mixed joint is as visible as the least of its parts. The root is
    visible in all frames. Visibility, 0 or 1, is the confidence channel. The files lack the pictures' size:
    ``img_shape`` just holds the person, so a pipeline must go on with ``CropScale``. MotionBERT draws its ratio once,
    here it is drawn anew every time.

    Args:
        ann_file: folder of the json files, or one file, below ``data_root``.
        length: poses of a track that are taken; shorter tracks are left out.
            A frame without an annotation is skipped, as in MotionBERT.
        visible: fraction of joints, in all frames, that must be exceeded.
        **kwargs: see :class:`SequenceDataset`; ``metainfo=dict(skeleton=...)``
            is the joint set of the samples (``h36m17``).

    Raises:
        InputError: files are missing or wrong, or no track is good enough.
    """

    METAINFO = {'dataset_name': 'posetrack18', 'skeleton': 'h36m17'}

    def __init__(
        self, ann_file: str = 'posetrack18_annotations/train', length: int = 30, visible: float = 0.6, **kwargs: Any
    ) -> None:
        self.length, self.visible = length, visible
        super().__init__(ann_file=ann_file, **kwargs)

    def load(self) -> Sequences:
        path, skeleton = Path(self.ann_file), get_skeleton(self.metainfo['skeleton'])
        files = sorted(path.glob('*.json')) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise InputError(f'{path} does not exist, or has no json file; {_HOW}')
        infos, parts = [], []
        for name, track in (entry for file in files for entry in read_tracks(file).items()):
            track = track[: self.length]
            if len(track) < self.length or track[..., 2].sum() <= self.visible * track[..., 2].size:
                continue
            xy, visible = convert_keypoints(track[..., :2], 'posetrack17', skeleton.name, track[..., 2])
            if skeleton.root is not None and not visible[:, skeleton.root].all():
                continue
            points = np.where(visible[..., None] > 0, xy, 0)
            width, height = np.ceil(points.max((0, 1)).clip(min=1)).astype(int).tolist()
            parts.append({'keypoints': points, 'keypoints_visible': visible})
            infos.append({'sequence': name, 'img_shape': (height, width)})
        if not infos:
            raise InputError(
                f'{path}: no track has {self.length} poses with {self.visible:.0%} of the joints and the root visible; '
                f'set length or visible lower'
            )
        return Sequences.joined(parts, infos)

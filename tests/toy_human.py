"""A made-up body that looks human and is built as SMPL's file is: 6,890 vertices, sparse weights and regressors."""

import numpy as np
from toy_smpl import toy_smpl

from poselifter.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from poselifter.skeletons import get_skeleton

_RADII = {
    'hip': 0.105, 'knee': 0.075, 'ankle': 0.05, 'foot': 0.04, 'spine1': 0.125, 'spine2': 0.125, 'spine3': 0.135,
    'neck': 0.085, 'collar': 0.075, 'head': 0.055, 'shoulder': 0.062, 'elbow': 0.045, 'wrist': 0.037, 'hand': 0.035,
}  # fmt: skip
_H36M = [0, 2, 5, 8, 1, 4, 7, 6, 12, 15, 15, 16, 18, 20, 17, 19, 21]  # nearest SMPL joint of each joint of h36m17
_ROUND = 12  # vertices in a ring


def human_smpl(seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays by the names of the official file, float32: a capsule for each bone, one for the head, one for the hips.

    Args:
        seed: of the shape and pose components, smooth over the body.
    """
    rng, skeleton = np.random.default_rng(seed), get_skeleton('smpl24')
    joints = toy_smpl()['v_template'].reshape(24, 8, 3).mean(1)
    bones = [(skeleton.parents[c], c, joints[skeleton.parents[c]], joints[c]) for c in range(1, 24)]
    bones += [(15, 15, joints[15] + (0, 0.02, 0), joints[15] + (0, 0.17, 0))]
    bones += [(0, 0, joints[0] - (0.05, 0.06, 0), joints[0] + (0.05, -0.06, 0))]
    points, weights, faces = [], [], []
    for k, (owner, child, start, end) in enumerate(bones):
        name = skeleton.joint_names[child].split('_')[-1]
        radius = {23: 0.085, 24: 0.11}.get(k, _RADII.get(name, 0.1))
        part, share = _capsule(start, end, radius, 23 if k < 20 else 22, 1.2 if 'spine' in name else 1.0)
        blend = np.zeros((len(part), 24))
        blend[:, owner] = 1
        if k < 23:
            for other, near in ((child, share), (max(skeleton.parents[owner], 0), 1 - share)):
                moved = 0.5 * np.clip((near - 0.75) / 0.25, 0, 1)
                blend[:, owner] -= moved
                blend[:, other] += moved
        faces.append(_faces((len(part) - 2) // _ROUND) + sum(map(len, points)))
        points.append(part)
        weights.append(blend)
    template = np.concatenate(points)
    regressor = _nearest(template, joints)
    targets = joints[_H36M] + np.where(np.arange(17)[:, None] == 10, (0, 0.2, 0), 0)
    targets[9] += (0, 0.06, 0.1)  # the nose
    return {
        'v_template': template.astype(np.float32),
        'shapedirs': _smooth(template, rng, 10, 0.025),
        'posedirs': _smooth(template, rng, 207, 0.003),
        'J_regressor': regressor,
        'weights': np.concatenate(weights).astype(np.float32),
        'kintree_table': np.array([skeleton.parents, range(24)]).astype(np.uint32),
        'f': np.concatenate(faces).astype(np.uint32),
        'J_regressor_h36m': _nearest(template, targets),
    }


def _capsule(start: np.ndarray, end: np.ndarray, radius: float, rings: int, wide: float) -> tuple:
    """Points (12 * rings + 2, 3) and how far along the bone each is, 0 to 1."""
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, (0, 0, 1) if abs(axis[2]) < 0.9 else (0, 1, 0))
    side /= np.linalg.norm(side)
    share = np.linspace(0, 1, rings + 2)
    size = radius * np.sqrt(np.clip(1 - np.abs(2 * share - 1) ** 5, 0, 1))
    angle = np.arange(_ROUND) * 2 * np.pi / _ROUND
    circle = wide * np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(axis, side)
    middle = start + (end - start) * (share * 1.1 - 0.05)[:, None] + axis * radius * 0.5 * (2 * share - 1)[:, None]
    body = middle[1:-1, None] + size[1:-1, None, None] * circle
    return np.concatenate([middle[:1], body.reshape(-1, 3), middle[-1:]]), np.r_[0, share[1:-1].repeat(_ROUND), 1]


def _faces(rings: int) -> np.ndarray:
    ring, last = np.arange(_ROUND), 1 + _ROUND * rings
    after = (ring + 1) % _ROUND
    faces = [np.stack([0 * ring, 1 + after, 1 + ring], -1)]
    for low in range(1, last - _ROUND, _ROUND):
        a, b, c, d = low + ring, low + after, low + _ROUND + ring, low + _ROUND + after
        faces += [np.stack([a, b, c], -1), np.stack([b, d, c], -1)]
    return np.concatenate([*faces, np.stack([last - _ROUND + ring, last - _ROUND + after, ring * 0 + last], -1)])


def _nearest(template: np.ndarray, places: np.ndarray, count: int = 24) -> np.ndarray:
    rows = np.zeros((len(places), len(template)), np.float32)
    distance = np.linalg.norm(template - places[:, None], axis=-1)
    np.put_along_axis(rows, np.argsort(distance, 1)[:, :count], 1 / count, 1)
    return rows


def _smooth(template: np.ndarray, rng: np.random.Generator, count: int, size: float) -> np.ndarray:
    """Displacements (V, 3, count) that change slowly over the body; the first is its size."""
    waves = rng.normal(0, 3, (3, 8))
    basis = np.sin(template @ waves + rng.uniform(0, 6, 8)) / np.sqrt(8)
    moves = np.einsum('vb,bck->vck', basis, rng.normal(0, size, (8, 3, count)))
    if count == 10:
        moves[..., 0] = template * size * 1.5
    return moves.astype(np.float32)


def human_motion(frames: int, seed: int = 0, fps: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """A made-up motion in a camera's axes, hands and feet at rest: poses (T, 72), axis-angle, and a shape (10,)."""
    rng, time = np.random.default_rng(seed), np.arange(frames)[:, None, None] / fps
    names = [name.split('_')[-1] for name in get_skeleton('smpl24').joint_names]
    sizes = {'hip': (0.5, 0.15, 0.15), 'shoulder': (0.3, 0.4, 0.5), 'wrist': 0, 'hand': 0, 'ankle': 0, 'foot': 0}
    size = np.array([np.broadcast_to(sizes.get(name, 0.12), 3) for name in names])
    waves = (
        np.sin(6.28 * f * time + rng.uniform(0, 6.28, (24, 3))) * rng.normal(0, 0.7, (24, 3)) for f in (0.2, 0.5, 1)
    )
    pose = sum(waves) * size
    for joint, axis, sign in ((4, 0, 1), (5, 0, 1), (18, 1, -1), (19, 1, 1)):  # knees and elbows bend one way
        bend = sign * np.abs(0.6 + 5 * pose[:, joint, axis])
        pose[:, joint] = 0
        pose[:, joint, axis] = bend
    heading, upside = np.array([0, 1.0, 0]) * 2.5 * np.sin(0.7 * time[:, 0]), np.array([np.pi, 0, 0])
    pose[:, 0] = matrix_to_axis_angle(axis_angle_to_matrix(upside) @ axis_angle_to_matrix(heading + pose[:, 0]))
    return pose.reshape(frames, 72), rng.normal(0, 1, 10)

"""A made-up body with SMPL's joints and few vertices, for what must not need the licensed one."""

import numpy as np

from poselifter.skeletons import get_skeleton

# rest pose in metres, x to the person's left, y up: one side of the body by name
_POINTS = {
    'pelvis': (0, 0, 0), 'hip': (0.1, -0.1, 0), 'spine1': (0, 0.1, 0), 'knee': (0.1, -0.5, 0), 'spine2': (0, 0.25, 0),
    'ankle': (0.1, -0.9, 0), 'spine3': (0, 0.35, 0), 'foot': (0.1, -0.95, 0.12), 'neck': (0, 0.5, 0),
    'collar': (0.08, 0.45, 0), 'head': (0, 0.6, 0.03), 'shoulder': (0.2, 0.45, 0), 'elbow': (0.45, 0.45, 0),
    'wrist': (0.7, 0.45, 0), 'hand': (0.78, 0.45, 0),
}  # fmt: skip
_H36M = [0, 2, 5, 8, 1, 4, 7, 6, 12, 15, 15, 16, 18, 20, 17, 19, 21]  # nearest SMPL joint of each joint of h36m17


def toy_smpl(seed: int = 0, num_betas: int = 10) -> dict[str, np.ndarray]:
    """Arrays by the names of the official file: eight vertices around each joint (V = 192), float64.

    Args:
        seed: of the random shape and pose components.
        num_betas: shape components.
    """
    rng, skeleton = np.random.default_rng(seed), get_skeleton('smpl24')
    sides = {'left': (1, 1, 1), 'right': (-1, 1, 1)}
    joints = np.array(
        [np.multiply(_POINTS[n.split('_')[-1]], sides.get(n.split('_')[0], 1)) for n in skeleton.joint_names]
    )
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.04
    regressor = np.repeat(np.eye(24), 8, axis=1) / 8
    weights = np.repeat(np.eye(24), 8, axis=0) + 0.3 * rng.random((192, 24)) ** 8
    return {
        'v_template': (joints[:, None] + corners).reshape(192, 3),
        'shapedirs': rng.normal(0, 0.01, (192, 3, num_betas)),
        'posedirs': rng.normal(0, 0.002, (192, 3, 207)),
        'J_regressor': regressor,
        'weights': weights / weights.sum(1, keepdims=True),
        'kintree_table': np.array([skeleton.parents, range(24)]).astype(np.uint32),  # the root's parent is 2**32 - 1
        'f': rng.integers(0, 192, (300, 3)).astype(np.uint32),
        'J_regressor_h36m': regressor[_H36M],
    }


def made_up_body(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The body of the parity case motionbert/mesh_regressor, by the recipe in its meta.json.

    Returns:
        (arrays by their official names, with 6,890 vertices; mean pose (144,), 6D; mean shape (10,)).
    """
    rs = np.random.RandomState(seed)

    def rows(*shape: int, power: int) -> np.ndarray:
        value = rs.rand(*shape) ** power
        return value / value.sum(1, keepdims=True)

    body = {'v_template': rs.randn(6890, 3) * 0.3, 'shapedirs': rs.randn(6890, 3, 10) * 0.01}
    body['posedirs'] = rs.randn(6890, 3, 207) * 0.002
    body['J_regressor'] = rows(24, 6890, power=60)
    body['weights'] = rows(6890, 24, power=12)
    body['f'] = rs.randint(0, 6890, (13776, 3))
    body['J_regressor_h36m'] = rows(17, 6890, power=60)
    rows(9, 6890, power=60)  # the extra regressor, which nobody reads
    return body, np.tile([1, 0, 0, 1, 0, 0], 24) + rs.randn(144) * 0.1, rs.randn(10) * 0.3

"""Walking bodies as rotations of bones, and what a pipeline makes of them."""

import numpy as np
from scipy.spatial.transform import Rotation

from poselifter.datasets.clip_batch import run_pipeline, stack_samples
from poselifter.datasets.transforms import build_pipeline
from poselifter.datasets.transforms.bodies import BONES


def posed(steps, samples):
    """Arrays of samples after some steps, (B, ...) by key."""
    made = run_pipeline(build_pipeline(steps), samples)
    return stack_samples(made)[0].arrays


def walkers(n, frames=27):
    """Upright people of equal bones who swing arms and legs, each with a key of its own."""
    offsets = np.zeros((31, 3), np.float32)
    for name, offset in {
        'hip': (0.09, 0, -0.05), 'knee': (0, 0, -0.42), 'ankle': (0, 0, -0.4), 'toe_base': (0, -0.13, 0),
        'shoulder': (0.18, 0, 0), 'elbow': (0.28, 0, 0), 'wrist': (0.25, 0, 0),
    }.items():  # fmt: skip
        for side, sign in (('left', 1), ('right', -1)):
            offsets[BONES.index(f'{side}_{name}')] = offset * np.array([sign, 1, 1])
    for name, up in {
        'lower_spine': 0.2,
        'upper_spine': 0.15,
        'thorax': 0.15,
        'head_base': 0.15,
        'head_end': 0.1,
    }.items():
        offsets[BONES.index(name)] = 0, 0, up
    angles = np.zeros((frames, 31, 3))
    phase = np.sin(np.linspace(0, 6, frames))[:, None]
    for side, sign in (('left', 1), ('right', -1)):
        leg, arm = BONES.index(f'{side}_knee'), BONES.index(f'{side}_elbow')
        angles[:, leg, 0], angles[:, leg + 1, 0] = 30 * sign * phase[:, 0] - 20, 30 * sign * phase[:, 0] + 20
        angles[:, arm : arm + 6] = [0, 60 * sign, 0] + 20 * sign * phase[:, None] * [1, 0, 0]
    turns = Rotation.from_euler('xyz', angles.reshape(-1, 3), degrees=True).as_quat()[:, [3, 0, 1, 2]]
    content = {
        'bone_rotations': turns.reshape(frames, 31, 4).astype(np.float32),
        'bone_offsets': offsets,
        'world_root': np.tile(np.float32([1, 2, 0.9]), (frames, 1)),
        'frame_indices': np.arange(frames),
    }
    return [{**content, 'skeleton_3d': 'body17', 'random_key': [0, 0, i, 0]} for i in range(n)]

"""Small files in the format of ``h36m_sh_conf_cam_source_final.pkl``."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poselifter.geometry import Camera, camera_to_image_space

CAMERAS = {'ca_01': '54138969', 'ca_02': '55011271', 'ca_03': '58860488', 'ca_04': '60457274'}
ACTIONS = {2: 'Directions', 3: 'Discussion', 5: 'Greeting', 10: 'SittingDown', 15: 'WalkDog', 16: 'WalkTogether'}
TRAIN = (('s_01_act_02_subact_01_ca_01', 60), ('s_05_act_03_subact_01_ca_02', 50))
TEST = (
    ('s_09_act_02_subact_01_ca_01', 40),
    ('s_09_act_05_subact_02_ca_03', 33),  # on the list of blocked sources
    ('s_11_act_05_subact_01_ca_04', 29),
    ('s_11_act_16_subact_01_ca_02', 27),
    ('s_11_act_03_subact_01_ca_03', 31),
)
_REST = np.array([
    [0, 0, 0], [-0.13, 0, 0], [-0.13, 0.45, 0], [-0.13, 0.9, 0], [0.13, 0, 0], [0.13, 0.45, 0], [0.13, 0.9, 0],
    [0, -0.24, 0], [0, -0.49, 0], [0, -0.6, -0.05], [0, -0.72, 0], [0.15, -0.47, 0], [0.43, -0.45, 0],
    [0.68, -0.45, 0], [-0.15, -0.47, 0], [-0.43, -0.45, 0], [-0.68, -0.45, 0],
])  # fmt: skip


def make_part(videos: Sequence[tuple[str, int]], test: bool, seed: int = 0) -> dict:
    """One half of the file: people who sway, by source name and number of frames; two keys are the test part's only."""
    rng = np.random.default_rng(seed)
    names, parts = [], []
    for source, n in videos:
        t = np.arange(n)[:, None, None] / 50
        sway = 0.15 * np.sin(2 * np.pi * (rng.uniform(0.3, 1.5, (1, 17, 3)) * t + rng.random((1, 17, 3))))
        walk = np.concatenate([0.4 * np.sin(t + rng.random()), 0 * t, 0.5 * np.cos(t)], -1)
        pose = _REST + sway * (1 + np.arange(17)[None, :, None] % 3) / 3 + walk + [0, 0, 4.5]
        image, factor = camera_to_image_space(pose, Camera((1145.0, 1144.0), (512.5, 515.5)))
        parts.append((image, factor, image * factor[:, None, None]))
        names += [source] * n
    image, factor, scaled = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    part = {
        'joint_2d': image[..., :2] + rng.normal(0, 3, (*image.shape[:2], 2)),
        'confidence': rng.uniform(0.2, 1, (len(image), 17, 1)),
        'joint3d_image': image,
        'camera_name': np.array([CAMERAS[name[-5:]] for name in names]),
        'source': names,
        'action': [ACTIONS[int(name[9:11])] for name in names],
    }
    return {**part, **({'2.5d_factor': factor, 'joints_2.5d_image': scaled} if test else {})}


def write_file(path: Path, train: dict | None = None, test: dict | None = None) -> Path:
    """Writes the pickle as numpy 1 did; parts that are not given are made up."""
    data = {'train': train or make_part(TRAIN, False), 'test': test or make_part(TEST, True, 1)}
    path.write_bytes(pickle.dumps(data, protocol=3).replace(b'cnumpy._core.', b'cnumpy.core.'))
    return path

"""A tiny AMASS: made-up bodies and recordings in exactly the official form."""

import numpy as np

VERTICES, JOINTS = 60, 52


def write_body(folder, seed=0):
    """``model.npz`` of a made-up SMPL-H for both genders, and the regressor."""
    rng = np.random.default_rng(seed)
    template = rng.normal(size=(VERTICES, 3))
    template[:, 0] *= 0.3

    def rows(n):
        value = rng.random((n, VERTICES)) ** 8
        return value / value.sum(1, keepdims=True)

    kintree = np.stack([np.r_[2**32 - 1, np.arange(JOINTS - 1) // 2], np.arange(JOINTS)]).astype(np.int64)
    for gender in ('male', 'female'):
        (folder / gender).mkdir(parents=True)
        np.savez(
            folder / gender / 'model.npz', v_template=template, shapedirs=rng.normal(size=(VERTICES, 3, 16)) * 0.01,
            posedirs=rng.normal(size=(VERTICES, 3, 9 * (JOINTS - 1))) * 0.001, J_regressor=rows(JOINTS),
            weights=rng.dirichlet(np.ones(JOINTS), VERTICES), kintree_table=kintree,
        )  # fmt: skip
    regressor = rows(17)
    right, left = np.argmin(template[:, 0]), np.argmax(template[:, 0])
    regressor[1], regressor[4] = np.eye(VERTICES)[right], np.eye(VERTICES)[left]
    np.save(folder / 'J_regressor_h36m_correct.npy', regressor)


def write_recording(path, frames=240, fps=120.0, seed=0, gender='male'):
    """A recording of the SMPL-H generation: a slow turn on a straight path."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    poses = np.zeros((frames, 3 * JOINTS))
    poses[:, 2] = np.linspace(0, 1, frames)
    poses[:, 3:66] = rng.normal(size=63) * 0.2
    trans = np.stack([np.linspace(0, 2, frames), np.zeros(frames), np.ones(frames)], 1)
    rate = np.array(fps)
    np.savez(path, poses=poses, trans=trans, betas=rng.normal(size=16), gender=gender, mocap_framerate=rate)

"""The body that ships against the package it was taken from; CI runs this once, see .ci/run."""

import importlib

import numpy as np
import pytest
import torch

from poselifter.geometry import axis_angle_to_matrix
from poselifter.models.body_models import AnnyBody

anny = pytest.importorskip('anny', reason='needs `pip install poselifter[anny]`, whose first start takes minutes')
loading = importlib.import_module('anny.models.full_model')  # where it moved, this fails and does not skip
Y_UP = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).double()  # from the package's axes, z up


@pytest.fixture(autouse=True)
def quick_loading(monkeypatch):
    """The package sets vertex by vertex what a file of offsets says, for minutes; here all of a file at once."""
    slow, compared = loading.load_blend_shape, []

    def load_blend_shape(filename, vertices_count, world_transformation, dtype):
        rows = torch.from_numpy(np.loadtxt(filename, ndmin=2).reshape(-1, 4))
        offsets = torch.zeros(vertices_count, 3, dtype=dtype)
        offsets[rows[:, 0].long()] = rows[:, 1:].to(dtype)
        offsets = world_transformation.apply(offsets)
        if len(compared) < 3:
            compared.append(torch.equal(offsets, slow(filename, vertices_count, world_transformation, dtype)))
        return offsets

    monkeypatch.setattr(loading, 'load_blend_shape', load_blend_shape)
    yield
    assert all(compared)  # none where the package has kept what it loaded


@pytest.mark.filterwarnings('ignore:loadtxt. input contained no data')  # of a body that needs no change
def test_vertices_and_bones_of_fifty_bodies():
    torch.set_default_dtype(torch.float64)
    try:
        ours = AnnyBody()
    finally:
        torch.set_default_dtype(torch.float32)
    changes = ours.shape_names[len(ours.phenotypes) :]
    theirs = anny.Anny(local_changes=[f'{name}-incr' for name in changes], skinning_method='lbs').double()
    draw, off = np.random.default_rng(1), []
    for _ in range(10):
        phenotypes = torch.from_numpy(draw.uniform(0, 1, (5, len(ours.phenotypes))))
        lengths = torch.from_numpy(draw.uniform(-1, 1, (5, len(changes))))
        turns = axis_angle_to_matrix(torch.from_numpy(draw.normal(0, 0.4, (5, len(ours.bone_names), 3))))
        poses = torch.eye(4).double().repeat(5, len(ours.bone_names), 1, 1)
        poses[..., :3, :3] = turns
        expected = theirs(pose_parameters=poses, phenotype_kwargs=phenotypes, local_changes_kwargs=lengths)
        vertices, heads = ours(Y_UP @ turns @ Y_UP.T, torch.cat([phenotypes, lengths], 1))
        off.append((vertices - expected['vertices'] @ Y_UP.T).norm(dim=-1).max())
        off.append((heads - expected['bone_poses'][..., :3, 3] @ Y_UP.T).norm(dim=-1).max())
    print(f'{max(off) * 1e6:.2f} micrometres at most')
    assert max(off) < 1e-4

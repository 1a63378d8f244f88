"""Offsets of a detector's points from bodies that are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poselifter.skeletons import get_skeleton


@pytest.fixture
def converter(tool, repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / 'tools/model_converters')
    return tool('model_converters/detector_on_bodies')


def pictures_of(converter, offsets, rng, noise=0.0, count=60):
    """Pictures in which every point is seen at its mark plus an offset that turns with its bone."""
    made = []
    for _ in range(count):
        turns = Rotation.random(3, rng).as_matrix()
        marks = rng.normal(0, 0.5, (33, 3)) + [0, 0, 4]
        focal, middle = rng.uniform(300, 900), rng.uniform(200, 400, 2)
        places = marks + np.einsum('jik,jk->ji', turns[np.arange(33) % 3], offsets)
        # seen at the depth of the mark, as far as a small offset changes the picture
        pixels = (places[:, :2] - marks[:, :2] / marks[:, 2:] * (places - marks)[:, 2:]) / marks[:, 2:] * focal + middle
        pixels += noise * rng.normal(size=pixels.shape) * focal / marks[:, 2:]
        made.append(converter.Picture(focal, middle, marks, turns, pixels, np.ones(33)))
    return made


def test_known_offsets_are_found(converter, rng):
    offsets = rng.normal(0, 0.02, (33, 3))
    order = get_skeleton('mediapipe33').flip_indices
    offsets = (offsets + offsets[order] * [-1, 1, 1]) / 2  # left and right are alike
    bones = (np.arange(33) % 3).tolist()
    found, errors = converter.fit_offsets(pictures_of(converter, offsets, rng), bones)
    np.testing.assert_allclose(found, offsets, atol=1e-9)
    assert errors.max() < 1e-9
    found, errors = converter.fit_offsets(pictures_of(converter, offsets, rng, noise=0.01, count=400), bones)
    np.testing.assert_allclose(found, offsets, atol=4e-3)
    assert np.median(errors) == pytest.approx(0.01 * np.sqrt(2 * np.log(2)), rel=0.05)  # of a Rayleigh distribution


def test_a_studio_shows_the_body_where_it_is(converter, shared):
    """Its marks lie on the picture of the body: colours there differ from those beside it."""
    studio = converter.Studio(str(shared / 'data'), seed=3)
    rotations, shapes = studio.bodies()
    for pose, shape in zip(rotations[:3], shapes[:3], strict=True):
        image, known = studio.draw(pose, shape)
        pixels = known.marks[:, :2] / known.marks[:, 2:] * known.focal + known.middle
        assert known.marks.shape == (33, 3) and (known.marks[:, 2] > 0.5).all()
        width, height = image.size
        inside = ((pixels > 0) & (pixels < [width, height])).all(-1)
        assert inside.mean() > 0.5
        spread = np.linalg.norm(known.marks.max(0) - known.marks.min(0))
        assert 0.8 < spread < 3.2  # a person, in metres

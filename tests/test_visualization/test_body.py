from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError
from poselifter.geometry import vertex_normals
from poselifter.visualization.animation import write_gif
from poselifter.visualization.body import BodyPanel
from poselifter.visualization.html import write_page
from poselifter.visualization.panels import COLOURS


def test_normals_of_a_sphere():
    angle, height = (
        a.ravel() for a in np.meshgrid(np.linspace(0, 2 * np.pi, 24, endpoint=False), np.linspace(-1.2, 1.2, 15))
    )
    points = np.stack([np.cos(height) * np.cos(angle), np.cos(height) * np.sin(angle), np.sin(height)], -1)
    low, right = np.arange(14 * 24), np.arange(14 * 24) // 24 * 24 + (np.arange(14 * 24) + 1) % 24
    faces = np.concatenate([np.stack([low, right, low + 24], -1), np.stack([right, right + 24, low + 24], -1)])
    inner = slice(24, -24)
    assert ((vertex_normals(points, faces) * points).sum(-1)[inner] > 0.99).all()


def test_fills_the_outline(with_box):
    """The picture is filled where some face is, and with the body's colours."""
    panel = BodyPanel(with_box.body.vertices(), with_box.body.faces, (300, 300))
    picture = panel.draw(0).astype(int)
    blue = np.abs(picture - np.array(COLOURS['body'])).sum(-1) < 330
    corners, size = panel.project(panel.poses[0])
    outline = np.zeros((300, 300), bool)
    y, x = np.mgrid[:300, :300] + 0.0
    for face in panel.faces:
        (ax, ay), (bx, by), (cx, cy) = corners[face]
        sides = [
            (qx - px) * (y - py) - (qy - py) * (x - px)
            for px, py, qx, qy in ((ax, ay, bx, by), (bx, by, cx, cy), (cx, cy, ax, ay))
        ]
        outline |= np.logical_and.reduce([s >= 0 for s in sides]) | np.logical_and.reduce([s <= 0 for s in sides])
    changed = (picture != panel.background.astype(int)).any(-1)
    assert (blue & outline).sum() > 0.97 * outline.sum() > 1000
    assert changed[outline].mean() > 0.99
    nearest = panel.poses[0][np.argmax(size)]
    assert nearest[1] == panel.poses[0][:, 1].max()  # the view looks down, so the top's front corner is nearest


def test_animation_has_the_body_on_the_right(with_box, tmp_path):
    write_gif(tmp_path / 'a.gif', with_box)
    with Image.open(tmp_path / 'a.gif') as picture:
        assert picture.n_frames == 23 and picture.size == (800, 450)
        panels = np.asarray(picture.convert('RGB')).astype(int)[60:390]
    orange = np.abs(panels - COLOURS['left']).sum(-1) < 120  # of limbs; the surface has one colour
    assert orange[:, :400].sum() > 50 and not orange[:, 400:].any() and panels[:, 400:].std() > 10


def test_bodies_without_faces_are_refused(with_box, tmp_path):
    bare = replace(with_box, body=replace(with_box.body, faces=None))
    for write in (write_gif, write_page):
        with pytest.raises(InputError, match='has no faces'):
            write(tmp_path / 'a', bare)
    assert not list(tmp_path.iterdir())

"""A body's surface in pages and animations."""

import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError
from poselifter.geometry import vertex_normals
from poselifter.skeletons import get_skeleton
from poselifter.visualization import save_body_animation, save_html
from poselifter.visualization.body import BodyPanel
from poselifter.visualization.clip import Clip, to_y_up
from poselifter.visualization.panels import COLOURS


def surface(mesh):
    """The vertices (T, V, 3) by the formula of skinning."""
    points = np.concatenate([mesh['vertices'], np.ones((len(mesh['vertices']), 1))], 1)
    return np.einsum('vk,tkab,vb->tva', mesh['weights'], mesh['bones'], points)


def test_normals_of_a_sphere():
    angle, height = (
        a.ravel() for a in np.meshgrid(np.linspace(0, 2 * np.pi, 24, endpoint=False), np.linspace(-1.2, 1.2, 15))
    )
    points = np.stack([np.cos(height) * np.cos(angle), np.cos(height) * np.sin(angle), np.sin(height)], -1)
    low, right = np.arange(14 * 24), np.arange(14 * 24) // 24 * 24 + (np.arange(14 * 24) + 1) % 24
    faces = np.concatenate([np.stack([low, right, low + 24], -1), np.stack([right, right + 24, low + 24], -1)])
    inner = slice(24, -24)
    assert ((vertex_normals(points, faces) * points).sum(-1)[inner] > 0.99).all()


@pytest.fixture
def panel(clip, box_mesh):
    points = to_y_up(surface(box_mesh))
    empty = np.zeros((45, 17, 2))
    joints = get_skeleton('h36m17')
    return BodyPanel(Clip(empty, empty[..., 0], points, None, joints, joints, None), box_mesh['faces'], (300, 300))


def test_fills_the_outline(panel):
    """The picture is filled where some face is, and with the body's colours."""
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


def test_saves_animations(tmp_path, clip, box_mesh):
    points, poses = surface(box_mesh)[:4], clip['keypoints_3d'][:4]
    save_body_animation(tmp_path / 'a.gif', poses, 'cmu17', points, box_mesh['faces'], 20)
    picture = Image.open(tmp_path / 'a.gif')
    assert picture.n_frames == 4 and picture.size == (800, 450)
    pytest.importorskip('imageio_ffmpeg', reason='MP4 needs imageio-ffmpeg')
    save_body_animation(tmp_path / 'a.mp4', poses, 'cmu17', points, box_mesh['faces'], 20)
    assert (tmp_path / 'a.mp4').stat().st_size > 2000
    with pytest.raises(InputError, match=r'faces have shape \(12, 3\), expected \(F, 3\) numbers of 7'):
        save_body_animation(tmp_path / 'a.gif', poses, 'cmu17', points[:, :7], box_mesh['faces'], 20)
    with pytest.raises(InputError, match='vertices has shape'):
        save_body_animation(tmp_path / 'a.gif', poses, 'cmu17', points[:3], box_mesh['faces'], 20)


def test_page_refuses_what_does_not_fit(tmp_path, tracks, box_mesh):
    def save(**changes):
        save_html(
            tmp_path / 'a.html', [{**tracks[0], 'mesh': {**box_mesh, **changes}}], 'cmu17', 30, skeleton_2d='h36m17'
        )

    with pytest.raises(InputError, match='mesh bones has shape'):
        save(bones=box_mesh['bones'][:44])
    with pytest.raises(InputError, match='faces of these only'):
        save(faces=box_mesh['faces'] + 1)

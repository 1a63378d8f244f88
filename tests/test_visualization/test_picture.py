from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton, list_skeletons
from poselifter.structures import KeypointTable, Result
from poselifter.visualization.panels import COLOURS, FigurePanel, KeypointPanel, to_y_up
from poselifter.visualization.picture import write_picture
from poselifter.visualization.sizes import limb_radius
from poselifter.visualization.styles import edge_sides


def near(image, name):
    """Positions (x, y) of pixels close to a colour."""
    return np.argwhere(np.abs(image.astype(int) - COLOURS[name]).max(-1) < 12)[:, ::-1]


def saved(path, result):
    write_picture(path, result)
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))


def figure(result, size=(300, 400), **view):
    return FigurePanel(result.poses, get_skeleton(result.skeleton_3d), size, **view)


def keypoints(result, size):
    return KeypointPanel(result.table, size)


def test_picture_has_five_columns(clip, tmp_path):
    image = saved(tmp_path / 'new' / 'a.png', clip)
    assert image.shape == (862, 5 * 354 - 14 + 56, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 200
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['a.png']


def test_ground_truth_adds_grey_and_legend(clip, tmp_path):
    truths = (None, clip.poses + [0.2, 0, 0])
    grey = [len(near(saved(tmp_path / 'a.png', replace(clip, truth=truth)), 'truth')) for truth in truths]
    assert grey[1] > grey[0] + 300


@pytest.mark.parametrize(('joints', 'height'), [(17, 862), (0, 862 - 334)])
def test_short_clips_hidden_joints_and_no_keypoints_at_all(clip, tmp_path, joints, height):
    table = KeypointTable.of_person(np.zeros((1, joints, 2)), np.zeros((1, joints)), skeleton='h36m17')
    assert saved(tmp_path / 'a.png', Result(table, clip.poses[:1], 'cmu17')).shape[:2] == (height, 340 + 56)


def test_hidden_joints_do_not_thicken_limbs(clip):
    visible = np.ones((45, 17))
    visible[:, 16] = 0
    hidden = replace(clip, table=replace(clip.table, keypoints_visible=visible))
    assert keypoints(hidden, (340, 320)).width == pytest.approx(keypoints(clip, (340, 320)).width, rel=0.05)


@pytest.mark.parametrize('name', list_skeletons())
def test_every_joint_set_is_drawn(rng, tmp_path, name):
    skeleton = get_skeleton(name)
    points, poses = rng.uniform(0, 500, (1, skeleton.num_joints, 2)), rng.normal(size=(1, skeleton.num_joints, 3))
    assert saved(tmp_path / 'a.png', Result(KeypointTable.of_person(points, skeleton=name), poses, name)).std() > 5
    for (a, b), side in zip(skeleton.edges, edge_sides(skeleton), strict=True):
        ends = {skeleton.sides[a], skeleton.sides[b]}
        assert side in ends or ends == {'left', 'right'}
        assert side == 'centre' or {'left': 'right', 'right': 'left'}[side] not in ends


@pytest.mark.parametrize('scale', [0.0, 1e-6, 1e6])
def test_any_scale_is_drawn(clip, tmp_path, scale):
    table = KeypointTable.of_person(clip.table.keypoints[:1] * scale, skeleton='h36m17', img_shape=(1920, 1080))
    assert saved(tmp_path / 'a.png', Result(table, clip.poses[:1] * scale, 'cmu17')).std() > 5


def test_unknown_joints_are_refused(clip, tmp_path):
    poses = clip.poses.copy()
    poses[3, 5] = np.nan
    with pytest.raises(InputError, match='NaN in 1 rows, the first in row 3'):
        write_picture(tmp_path / 'a.png', replace(clip, poses=poses))
    assert not list(tmp_path.iterdir())


def test_figure_stands_upright_on_the_floor_as_the_camera_sees_it(clip):
    view, poses = figure(clip, view=(0, 0)), to_y_up(clip.poses)
    pixels, size = view.project(poses)
    assert np.corrcoef(pixels[0, :, 0], clip.poses[0, :, 0])[0, 1] > 0.99
    assert np.corrcoef(size[0], -clip.poses[0, :, 2])[0, 1] > 0.99  # nearer is larger
    names = get_skeleton('cmu17').joint_names
    head, feet = names.index('head_top'), [i for i, n in enumerate(names) if n.endswith('ankle')]
    assert (pixels[:, head, 1] < pixels[:, feet, 1].min(-1)).all()
    assert view.floor == poses[..., 1].min()
    assert (pixels > 0).all() and (pixels < (300, 400)).all()


@pytest.mark.parametrize('azimuth', [0, 35, 200])
def test_axes_have_one_scale(clip, azimuth):
    view = figure(clip, view=(azimuth, 0))
    a = np.radians(azimuth)
    across, up = np.array([np.cos(a), 0, np.sin(a)]) * 1e-3, np.array([0, 1e-3, 0])
    centre, _ = view.project(view.centre)
    wide, high = (np.linalg.norm(view.project(view.centre + step)[0] - centre) for step in (across, up))
    assert wide == pytest.approx(high, rel=1e-6)


def test_left_is_orange_and_right_is_blue(clip):
    panel = keypoints(clip, (400, 400))
    for side in ('left', 'right'):
        expected = panel.points[0][list(getattr(get_skeleton('h36m17'), side))].mean(0)
        np.testing.assert_allclose(near(panel.draw(0), side).mean(0), expected, atol=25)


def test_to_y_up_turns_up_and_keeps_handedness():
    axes = to_y_up(np.eye(3))
    np.testing.assert_array_equal(axes[1], [0, -1, 0])
    assert np.linalg.det(axes) == 1  # a rotation: left stays left
    np.testing.assert_array_equal(to_y_up(axes), np.eye(3))


def test_limbs_scale_with_the_body(clip):
    assert 0.015 < limb_radius(clip.poses) < 0.03
    assert limb_radius(clip.poses * 2) == pytest.approx(2 * limb_radius(clip.poses))
    assert limb_radius(np.zeros((2, 17, 3))) > 0

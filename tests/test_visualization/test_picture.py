import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton, list_skeletons
from poselifter.visualization import save_picture
from poselifter.visualization.clip import check_clip
from poselifter.visualization.panels import COLOURS, FigurePanel, KeypointPanel


def near(image, name):
    """Positions (x, y) of pixels close to a colour."""
    return np.argwhere(np.abs(image.astype(int) - COLOURS[name]).max(-1) < 12)[:, ::-1]


@pytest.fixture
def checked(clip):
    return check_clip(**clip, visible=None, truth_3d=None)


@pytest.mark.parametrize('frames', [None, [0], [0, 10, 44]])
def test_picture_has_a_column_for_each_frame(clip, tmp_path, frames):
    save_picture(tmp_path / 'new' / 'a.png', **clip, frames=frames)
    with Image.open(tmp_path / 'new' / 'a.png') as image:
        columns = 5 if frames is None else len(frames)
        assert image.size == (columns * 354 - 14 + 56, 862)
        assert len(image.convert('RGB').getcolors(1 << 24)) > 200
    assert [p.name for p in (tmp_path / 'new').iterdir()] == ['a.png']


def test_ground_truth_adds_grey_and_legend(clip, tmp_path):
    for name, truth in (('a', None), ('b', clip['keypoints_3d'] + [0.2, 0, 0])):
        save_picture(tmp_path / f'{name}.png', **clip, truth_3d=truth, frames=[5])
    grey = [len(near(np.asarray(Image.open(tmp_path / f'{n}.png').convert('RGB')), 'truth')) for n in 'ab']
    assert grey[1] > grey[0] + 300


def test_short_clips_and_hidden_joints(clip, tmp_path):
    one = {k: v[:1] if isinstance(v, np.ndarray) else v for k, v in clip.items()}
    save_picture(tmp_path / 'a.png', **{**one, 'img_shape': None}, visible=np.zeros((1, 17)))
    assert Image.open(tmp_path / 'a.png').size == (340 + 56, 862)


def test_hidden_joints_do_not_thicken_limbs(clip, checked):
    visible = np.ones((45, 17))
    visible[:, 16] = 0
    hidden = KeypointPanel(check_clip(**clip, visible=visible, truth_3d=None), (340, 320))
    assert hidden.width == pytest.approx(KeypointPanel(checked, (340, 320)).width, rel=0.05)


@pytest.mark.parametrize('name', list_skeletons())
def test_every_joint_set_is_drawn(rng, tmp_path, name):
    j = get_skeleton(name).num_joints
    points, poses = rng.uniform(0, 500, (2, j, 2)), rng.normal(size=(2, j, 3))
    save_picture(tmp_path / 'a.png', points, poses, name, name, frames=[1])
    assert (tmp_path / 'a.png').stat().st_size > 5000


@pytest.mark.parametrize('scale', [0.0, 1e-6, 1e6])
def test_any_scale_is_drawn(clip, tmp_path, scale):
    wild = {**clip, 'keypoints_2d': clip['keypoints_2d'] * scale, 'keypoints_3d': clip['keypoints_3d'] * scale}
    save_picture(tmp_path / 'a.png', **wild, frames=[0])
    assert (tmp_path / 'a.png').stat().st_size > 5000


def test_bad_frames_and_suffix(clip, tmp_path):
    for frames in ([], [45], [-1]):
        with pytest.raises(InputError, match='frames is'):
            save_picture(tmp_path / 'a.png', **clip, frames=frames)
    with pytest.raises(InputError, match=r"ends in '.jpg'"):
        save_picture(tmp_path / 'a.jpg', **clip)
    assert not list(tmp_path.iterdir())


def test_figure_stands_upright_on_the_floor(checked):
    view = FigurePanel(checked, (300, 400), azimuth=0, elevation=0)
    pixels, _ = view.project(checked.keypoints_3d)
    names = checked.skeleton_3d.joint_names
    head, feet = names.index('head_top'), [i for i, n in enumerate(names) if n.endswith('ankle')]
    assert (pixels[:, head, 1] < pixels[:, feet, 1].min(-1)).all()
    assert view.floor == checked.keypoints_3d[..., 1].min()
    assert (pixels > 0).all() and (pixels < (300, 400)).all()


@pytest.mark.parametrize('azimuth', [0, 35, 200])
def test_axes_have_one_scale(checked, azimuth):
    view = FigurePanel(checked, (300, 400), azimuth=azimuth, elevation=0)
    a = np.radians(azimuth)
    across, up = np.array([np.cos(a), 0, np.sin(a)]) * 1e-3, np.array([0, 1e-3, 0])
    centre, _ = view.project(view.centre)
    wide, high = (np.linalg.norm(view.project(view.centre + step)[0] - centre) for step in (across, up))
    assert wide == pytest.approx(high, rel=1e-6)


def test_own_view_agrees_with_the_camera(checked):
    """At azimuth 0 the figure is seen from the camera's side: what is left in the image is left in the view."""
    pixels, size = FigurePanel(checked, (300, 400), azimuth=0, elevation=0).project(checked.keypoints_3d)
    order = np.corrcoef(pixels[0, :, 0], checked.keypoints_3d[0, :, 0])[0, 1]
    assert order > 0.99
    assert np.corrcoef(size[0], checked.keypoints_3d[0, :, 2])[0, 1] > 0.99  # nearer is larger


def test_left_is_orange_and_right_is_blue(checked):
    image = KeypointPanel(checked, (400, 400)).draw(0)
    points = KeypointPanel(checked, (400, 400)).points[0]
    for side in ('left', 'right'):
        wanted = points[list(getattr(checked.skeleton_2d, side))].mean(0)
        np.testing.assert_allclose(near(image, side).mean(0), wanted, atol=25)

from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from poselifter.visualization.animation import _panels, write_gif, write_mp4
from poselifter.visualization.crowd import Crowd
from poselifter.visualization.panels import COLOURS


def at(clip, fps, **changes):
    return replace(clip, table=replace(clip.table, fps=fps), fps=None, **changes)


@pytest.mark.parametrize(('fps', 'frames'), [(10, 45), (30, 23), (50, 15), (60, 15)])
def test_gif_keeps_the_duration(clip, tmp_path, fps, frames):
    write_gif(tmp_path / 'a.gif', at(clip, fps))
    with Image.open(tmp_path / 'a.gif') as image:
        assert (image.size, image.n_frames, image.info['loop']) == ((800, 450), frames, 0)
        total = 0
        for k in range(image.n_frames):
            image.seek(k)
            total += image.info['duration']
        step = -(-fps // 20)
        assert total == pytest.approx(1000 * frames * step / fps, abs=6)
        assert len(image.convert('RGB').getcolors(1 << 24)) > 20
    assert (tmp_path / 'a.gif').stat().st_size < 25_000 * frames


def test_mp4_has_every_frame(clip, tmp_path):
    ffmpeg = pytest.importorskip('imageio_ffmpeg', reason='needs imageio-ffmpeg')
    write_mp4(tmp_path / 'a.mp4', at(clip, 29.97, truth=clip.poses))
    assert ffmpeg.count_frames_and_secs(str(tmp_path / 'a.mp4'))[0] == 45
    reader = ffmpeg.read_frames(str(tmp_path / 'a.mp4'))
    about = next(reader)
    assert about['size'] == (1280, 720) and about['codec'] == 'h264' and about['fps'] == pytest.approx(29.97)
    image = np.frombuffer(next(reader), np.uint8).reshape(720, 1280, 3)
    reader.close()
    np.testing.assert_allclose(image[2, 2], COLOURS['page'], atol=5)
    assert image.std() > 10


def test_all_persons_or_the_longest_segment(two_persons, tmp_path):
    """Poses are drawn of all persons, scores of the longest segment, which the title says."""
    write_gif(tmp_path / 'a.gif', at(two_persons, 20))
    segments, scores = [slice(0, 15), slice(15, 45), slice(45, 65)], np.full((65, 2), 0.5)
    said = at(two_persons, 20, poses=None, scores=scores, classes=('walk', 'run'), segments=segments)
    write_gif(tmp_path / 'b.gif', said)
    assert [Image.open(tmp_path / name).n_frames for name in ('a.gif', 'b.gif')] == [50, 30]
    assert list(_panels(said, (300, 300)))[1] == 'action scores of track a, one of 2'


@pytest.mark.parametrize('with_root', [False, True])
def test_persons_keep_their_places(two_persons, with_root):
    """Side by side without a root, else where they are; who is not there yet is not drawn."""
    root = np.repeat([[0.0, 0, 4], [2.0, 0, 5]], [45, 20], 0) if with_root else None
    crowd = Crowd(replace(two_persons, root=root))
    poses = crowd.poses()
    assert poses.shape == (50, 2 * 17, 3) and crowd.frames.tolist() == list(range(50))
    assert np.isnan(poses[:30, 17:]).all() and np.isnan(poses[45:, :17]).all() and not np.isnan(poses[30:45]).any()
    apart = poses[40, 17] - poses[40, 0]
    np.testing.assert_allclose(apart, [2, 0, 1] if with_root else [1.2, 0, 0], atol=1e-6)
    panel = _panels(replace(two_persons, root=root), (400, 300))['3D pose']
    drawn = [np.ptp(np.argwhere((panel.draw(frame) != panel.background).any(-1))[:, 1]) for frame in (10, 40)]
    assert drawn[1] > drawn[0] * 1.5
    assert ('2 persons' in panel.caption) and ('from the camera' in panel.caption) == with_root


def test_a_tilted_camera_is_taken_back_where_the_world_is_known(two_persons):
    """Persons whom a camera that looks down by 30 degrees sees are drawn as an upright one would see them."""
    tilt = Rotation.from_euler('x', 30, degrees=True).as_matrix()  # from upright to tilted axes
    world = np.eye(4)
    world[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ tilt.T
    root = np.repeat([[0.0, 0, 4], [2.0, 0, 5]], [45, 20], 0)
    tilted = replace(two_persons, poses=two_persons.poses @ tilt.T, root=root @ tilt.T, world_from_camera=world)
    upright = Crowd(replace(two_persons, root=root)).poses()
    np.testing.assert_allclose(Crowd(tilted).poses(), upright, atol=1e-5)


def test_one_person_walks_where_the_world_is_known(clip):
    root = np.linspace([0.0, 0, 4], [2.0, 0, 4], 45)
    world = np.eye(4)[[0, 2, 1, 3]] * [[1], [1], [-1], [1]]
    walks, stays = Crowd(replace(clip, root=root, world_from_camera=world)), Crowd(replace(clip, root=root))
    np.testing.assert_allclose(walks.poses() - stays.poses(), root[:, None].repeat(17, 1), atol=1e-5)
    assert (walks.caption, stays.caption) == ('in the world', 'root-relative')


def test_persons_who_never_meet_take_turns(clip):
    """One place each would take memory and room for a film in which hundreds come and go."""
    table = replace(clip.table, track_ids=np.repeat(np.arange(9), 5))
    assert Crowd(replace(clip, table=table)).poses().shape == (45, 17, 3)


@dataclass
class Frame:
    index: int
    image: np.ndarray


class Film:
    """Frames 0 to 49, grey by their number, half as large as the keypoints' picture would be in the panel."""

    img_shape = (1920, 1080)

    def __iter__(self):
        return (Frame(k, np.full((1920, 1080, 3), k * 5, np.uint8)) for k in range(50))


def test_film_lies_under_the_keypoints(two_persons, tmp_path):
    """The picture of the same number, at the place and size at which the keypoints are drawn."""
    table = replace(two_persons.table, frame_indices=two_persons.table.frame_indices + 2)
    panel = _panels(replace(two_persons, table=table, film=Film()), (300, 400))['2D keypoints']
    assert panel.zoom == pytest.approx(400 / 1920)
    for frame in (0, 7, 40, 49):  # the last two numbers, 50 and 51, come after the film's end
        image = panel.draw(frame)
        assert image[2, 150].tolist() == [min(frame + 2, 49) * 5] * 3
        assert image[2, 5].tolist() == list(COLOURS['outside'])
    expected = two_persons.table.keypoints[0] * 400 / 1920 + ((300 - 225) / 2, 0)
    np.testing.assert_allclose(panel.points[0, :17], expected, atol=0.02)
    ffmpeg = pytest.importorskip('imageio_ffmpeg', reason='needs imageio-ffmpeg')
    write_mp4(tmp_path / 'a.mp4', replace(two_persons, film=Film()))
    assert ffmpeg.count_frames_and_secs(str(tmp_path / 'a.mp4'))[0] == 50

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from poselifter.visualization.animation import write_gif, write_mp4
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


def test_longest_track_and_longest_segment(two_persons, tmp_path):
    """Poses are drawn of the longest track, scores of the longest segment."""
    write_gif(tmp_path / 'a.gif', at(two_persons, 20))
    segments, scores = [slice(0, 15), slice(15, 45), slice(45, 65)], np.full((65, 2), 0.5)
    said = at(two_persons, 20, poses=None, scores=scores, classes=('walk', 'run'), segments=segments)
    write_gif(tmp_path / 'b.gif', said)
    assert [Image.open(tmp_path / name).n_frames for name in ('a.gif', 'b.gif')] == [45, 30]

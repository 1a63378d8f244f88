import sys

import numpy as np
import pytest
from PIL import Image

from poselifter.errors import InputError
from poselifter.visualization import animation, save_animation


@pytest.mark.parametrize(('fps', 'frames'), [(10, 45), (30, 23), (50, 15), (60, 15)])
def test_gif_keeps_the_duration(clip, tmp_path, fps, frames):
    save_animation(tmp_path / 'a.gif', **clip, fps=fps)
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
    save_animation(tmp_path / 'a.mp4', **clip, fps=29.97, truth_3d=clip['keypoints_3d'])
    assert ffmpeg.count_frames_and_secs(str(tmp_path / 'a.mp4'))[0] == 45
    reader = ffmpeg.read_frames(str(tmp_path / 'a.mp4'))
    about = next(reader)
    assert about['size'] == (1280, 720) and about['codec'] == 'h264' and about['fps'] == pytest.approx(29.97)
    image = np.frombuffer(next(reader), np.uint8).reshape(720, 1280, 3)
    reader.close()
    np.testing.assert_allclose(image[2, 2], animation.COLOURS['page'], atol=5)
    assert image.std() > 10


def test_mp4_without_ffmpeg_says_how_to_get_it(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'imageio_ffmpeg', None)
    with pytest.raises(InputError, match='pip install imageio-ffmpeg'):
        save_animation(tmp_path / 'a.mp4', **clip, fps=30)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('suffix', ['gif', 'mp4'])
def test_one_frame(clip, tmp_path, suffix):
    if suffix == 'mp4':
        pytest.importorskip('imageio_ffmpeg', reason='needs imageio-ffmpeg')
    one = {k: v[:1] if isinstance(v, np.ndarray) else v for k, v in clip.items()}
    save_animation(tmp_path / f'a.{suffix}', **one, fps=30)
    assert (tmp_path / f'a.{suffix}').stat().st_size > 2000


def test_bad_input(clip, tmp_path):
    for fps in (0, -1, float('nan'), None, '30'):
        with pytest.raises(InputError, match='fps is'):
            save_animation(tmp_path / 'a.gif', **clip, fps=fps)
    for name in ('a.avi', 'a', 'a.png'):
        with pytest.raises(InputError, match=r'expected .gif or .mp4'):
            save_animation(tmp_path / name, **clip, fps=30)
    assert not list(tmp_path.iterdir())

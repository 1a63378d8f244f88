from fractions import Fraction

import numpy as np
import pytest

from poselifter.detection import build_detector


@pytest.fixture
def write_film(tmp_path):
    """Writes a film of grey pictures, one for each of some times in seconds: grey is 40 + 3 x number."""
    av = pytest.importorskip('av')

    def write(
        times, name='film.mp4', size=(64, 48), rotation=None, pictures=None, audio_only=False, rate=30, clock=1200
    ):
        path = tmp_path / name
        with av.open(str(path), 'w') as container:
            if audio_only:
                stream = container.add_stream('aac', rate=44100)
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), 'fltp', 'mono')
                frame.sample_rate = 44100
                container.mux([*stream.encode(frame), *stream.encode()])
                return path
            stream = container.add_stream('libx264', rate=rate, options={'crf': '4'})
            stream.width, stream.height, stream.pix_fmt = *size, 'yuv420p'
            stream.codec_context.time_base = Fraction(1, clock)
            if rotation:
                if not hasattr(stream, 'set_display_rotation'):
                    pytest.skip('this version of PyAV writes no rotation')
                stream.set_display_rotation(rotation)
            for number, time in enumerate(times):
                image = np.full((size[1], size[0], 3), min(40 + 3 * number, 255), np.uint8)
                frame = av.VideoFrame.from_ndarray(image if pictures is None else pictures[number], format='rgb24')
                frame.pts, frame.time_base = round(time * clock), Fraction(1, clock)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(autouse=True)
def _no_detector_is_kept():
    build_detector.cache_clear()

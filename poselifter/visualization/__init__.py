"""Pictures, animations and interactive pages of results, as writers in ``WRITERS``."""

from ..light_registry import WRITERS, Writer
from . import html

_CV2, _FFMPEG = ('cv2', 'opencv-python'), ('imageio_ffmpeg', 'imageio-ffmpeg')
for _name, _function, _needs, _package in (
    ('png', 'picture:write_picture', ('poses',), _CV2),
    ('gif', 'animation:write_gif', ('body', 'poses', 'scores'), _CV2),
    ('mp4', 'animation:write_mp4', ('body', 'poses', 'scores'), _FFMPEG),
):  # drawing takes long to import
    WRITERS.register_module(_name, module=Writer(f'{__name__}.{_function}', f'.{_name}', _needs, _package))

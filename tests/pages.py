"""What tests of pages in a browser share: they wait for what is to come and never for a time, since machines differ."""

import io
import time

import numpy as np
from PIL import Image


def until(page, condition, seconds=60):
    """Waits for a function or an expression in JavaScript to be true.

    playwright's own wait needs eval, which the pages' policies forbid.
    """
    end = time.monotonic() + seconds
    while not (condition() if callable(condition) else page.evaluate(condition)):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(30)


def shot(page, name='#stage canvas', mode='RGB'):
    """What is drawn, (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(page.locator(name).screenshot())).convert(mode)).astype(int)


def drawn_anew(page, before, least=60):
    """Waits until some pixel of the stage is other than before."""
    until(page, lambda: np.abs(shot(page) - before).max() > least)

"""Pictures of clips beside what texts say: shares of two texts, similarities over time."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from ..skeletons import get_skeleton
from .charts import PathLike, _figure, _save
from .clip import Clip, check_keypoints
from .panels import KeypointPanel

_COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9')  # Okabe and Ito


def keypoint_strip(
    keypoints: np.ndarray, visible: np.ndarray, skeleton: str, frames: Sequence[int], size: int = 220
) -> np.ndarray:
    """Frames of a clip in a row, (size, about size * frames, 3) uint8.

    Args:
        keypoints: (T, J, 2) pixels.
        visible: (T, J) score 0..1.
        skeleton: joint set.
        frames: which frames.
        size: of a frame in pixels.
    """
    flat = get_skeleton(skeleton)
    points, scores = check_keypoints(keypoints, visible, len(keypoints), flat)
    panel = KeypointPanel(Clip(points, scores, np.zeros((len(points), 1, 3)), None, flat, flat, None), (size, size))
    gap = np.full((size, size // 30, 3), 255, np.uint8)
    return np.concatenate([part for frame in frames for part in (panel.draw(int(frame)), gap)][:-1], 1)


def save_text_pairs(path: PathLike, rows: Sequence[tuple[str, np.ndarray, Mapping[str, float]]], title: str) -> None:
    """Draws clips one below the other, each with the shares that two or more texts have in it.

    Args:
        path: file to write.
        rows: name of a clip, its frames in a row (:func:`keypoint_strip`), and
            the shares, which sum to 1, by text.
        title: of the picture.
    """
    figure = _figure(12, 0.6 + 1.9 * len(rows), title)
    panels = figure.subplots(len(rows), 2, squeeze=False, width_ratios=[2.1, 1])
    for (name, strip, shares), (left, right) in zip(rows, panels, strict=True):
        left.imshow(strip)
        left.set_title(name, fontsize=9, loc='left')
        left.axis('off')
        places = np.arange(len(shares))[::-1]
        right.barh(places, list(shares.values()), 0.42, color=_COLOURS[: len(shares)])
        for place, (text, share) in zip(places, shares.items(), strict=True):
            right.text(0, place + 0.28, text, fontsize=9)
            right.text(share + 0.01, place, f'{100 * share:.0f} %', fontsize=9, va='center', color='#64748b')
        right.set(xlim=(0, 1.12), ylim=(-0.4, len(shares) - 0.3), xticks=[0, 0.5, 1], yticks=[])
        right.tick_params(labelsize=7)
        right.spines[['top', 'right', 'left']].set_visible(False)
    _save(figure, path)


def save_similarity(
    path: PathLike, strip: np.ndarray, seconds: np.ndarray, curves: Mapping[str, np.ndarray], title: str
) -> None:
    """Draws how near windows of a clip are to texts over time, below frames of the clip.

    Args:
        path: file to write.
        strip: frames from the clip's begin to its end (:func:`keypoint_strip`).
        seconds: (W,) middles of the windows, then (2,) begin and end of the clip: (W + 2,).
        curves: (W,) cosines by text.
        title: of the picture.
    """
    figure = _figure(11, 5.4, title)
    above, below = figure.subplots(2, 1, height_ratios=[strip.shape[0] / strip.shape[1] * 2.6, 1])
    above.imshow(strip, aspect='auto')
    above.axis('off')
    for i, (text, values) in enumerate(curves.items()):
        label = textwrap.fill(text, 34)
        style = {'color': _COLOURS[i % len(_COLOURS)], 'linestyle': ('-', '--')[i // len(_COLOURS) % 2]}
        below.plot(seconds[:-2], values, linewidth=1.8, label=label, marker='o' if len(values) == 1 else '', **style)
    below.set(xlim=seconds[-2:], xlabel='seconds (middle of a window)', ylabel='cosine of window and text')
    below.spines[['top', 'right']].set_visible(False)
    below.grid(alpha=0.3)
    figure.legend(*below.get_legend_handles_labels(), loc='outside right center', fontsize=8, frameon=False)
    _save(figure, path)

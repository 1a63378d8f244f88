"""Colours of skeletons, one table for pictures, animations and pages."""

from ..skeletons import Skeleton

# Orange and blue stay apart for every common colour blindness; in the dark theme both are lighter.
_LIGHT_AND_DARK = {
    'page': ('#eef1f6', '#0c111b'),
    'panel': ('#ffffff', '#151c2a'),
    'outside': ('#f5f7fa', '#101724'),
    'line': ('#d5dce6', '#33405a'),
    'ink': ('#0f172a', '#eef2f9'),
    'muted': ('#5b677a', '#96a3b8'),
    'left': ('#f06a0a', '#ff8f3a'),
    'right': ('#1f6fe5', '#4c9bff'),
    'centre': ('#3d4a5f', '#c3cddc'),
    'truth': ('#a3adbb', '#8995ab'),
    'body': ('#9cb3d1', '#8fa9cc'),
}
THEMES = {theme: {name: pair[k] for name, pair in _LIGHT_AND_DARK.items()} for k, theme in enumerate(('light', 'dark'))}


def edge_sides(skeleton: Skeleton) -> tuple[str, ...]:
    """``'left'``, ``'right'`` or ``'centre'`` for each edge of a skeleton.

    An edge between the two sides (shoulder to shoulder) is central; one from
    the middle outwards (pelvis to left hip) belongs to its side.

    Example:
        >>> from poselifter.skeletons import get_skeleton
        >>> edge_sides(get_skeleton('h36m17'))[3:7]
        ('left', 'left', 'left', 'centre')
    """
    pairs = [{skeleton.sides[a], skeleton.sides[b]} - {'centre'} for a, b in skeleton.edges]
    return tuple(pair.pop() if len(pair) == 1 else 'centre' for pair in pairs)


def rgb(colour: str) -> tuple[int, int, int]:
    """``'#rrggbb'`` as three numbers 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(colour: tuple[int, int, int], other: tuple[int, int, int], fraction: float) -> tuple[int, int, int]:
    """``colour`` with ``fraction`` (0..1) of it replaced by ``other``."""
    return tuple(round(a + (b - a) * fraction) for a, b in zip(colour, other, strict=True))

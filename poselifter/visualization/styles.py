"""Colours of skeletons, one table for pictures, animations and pages."""

from ..skeletons import Skeleton

# Orange and blue stay apart for every common colour blindness; in the dark theme both are lighter.
THEMES = {
    'light': {
        'page': '#eef1f6',
        'panel': '#ffffff',
        'outside': '#f5f7fa',
        'line': '#d5dce6',
        'ink': '#0f172a',
        'muted': '#5b677a',
        'left': '#f06a0a',
        'right': '#1f6fe5',
        'centre': '#3d4a5f',
        'truth': '#a3adbb',
        'body': '#9cb3d1',
    },
    'dark': {
        'page': '#0c111b',
        'panel': '#151c2a',
        'outside': '#101724',
        'line': '#33405a',
        'ink': '#eef2f9',
        'muted': '#96a3b8',
        'left': '#ff8f3a',
        'right': '#4c9bff',
        'centre': '#c3cddc',
        'truth': '#8995ab',
        'body': '#8fa9cc',
    },
}


def edge_sides(skeleton: Skeleton) -> tuple[str, ...]:
    """``'left'``, ``'right'`` or ``'centre'`` for each edge of a skeleton.

    An edge between the two sides (shoulder to shoulder) is central; one from
    the middle outwards (pelvis to left hip) belongs to its side.

    Args:
        skeleton: J joints, E edges.

    Returns:
        E names.

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


def mix(colour: tuple[int, int, int], other: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    """``colour`` with ``share`` (0..1) of it replaced by ``other``."""
    return tuple(round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))

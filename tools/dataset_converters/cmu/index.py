"""Metadata of CMU's clips: ids, rates, splits, descriptions, actions."""

import csv
import os
import re

from poselifter.errors import InputError
from poselifter.io.motion import read_text

CREDIT = (
    'The data used in this project was obtained from mocap.cs.cmu.edu. '
    'The database was created with funding from NSF EIA-0196217.'
)
SPLITS = {'val': {'16', '55', '88', '131'}, 'test': {'09', '11', '13', '38', '90', '93'}}
# No file states its rate reliably. 60, 61: stated by their source; 88: by an index; 90, u1: from the fall in flight.
SOURCE_FPS = {'60': 60, '61': 60, '88': 60, '90': 60, 'u1': 60}
BROKEN = {'60_07': 'head joint broken'}
# Searched in the lower-cased description in this order; the first that matches decides.
ACTION_RULES = (
    ('salsa', r'salsa'),
    ('dance', r'^dance'),
    ('basketball', r'basketball|dribble'),
    ('soccer', r'soccer'),
    ('climb', r'climb|playground'),
    ('drink', r'drink|soda'),
    ('laugh', r'laugh'),
    ('sit', r'\bsit\b'),
    ('exercise', r'jumping jacks|squats'),
    ('acrobatics', r'cartwheel|flip|hand ?spring|acrobatics|jump kick'),
    ('martial_arts', r'boxing|punch|sword|martial|karate'),
    ('balance', r'balance on one leg|static dance pose'),
    ('reach', r'reach for|grab'),
    ('dance', r'dance|charleston|lambada'),
    ('wash', r'wash'),
    ('jump', r'jump|hop'),
    ('run', r'\brun\b|jog|leap'),
    ('walk', r'walk|stride|navigate'),
)


def parse_clip_id(stem: str) -> tuple[str, str] | None:
    """CMU's subject and trial of a file name ``SS_TT``, with at least two digits; ``None`` if it is no such name.

    Example:
        >>> parse_clip_id('9_3'), parse_clip_id('135_m03'), parse_clip_id('walk')
        (('09', '03'), ('135', 'm03'), None)
    """
    match = re.fullmatch(r'(u?)(\d+)_([A-Za-z]?\d+)', stem)
    if match is None:
        return None
    subject = match[1] + match[2] if match[1] else match[2].lstrip('0').zfill(2)
    trial = match[3].lstrip('0').zfill(2) if match[3].isdigit() else match[3]
    return subject, trial


def split_of(subject: str) -> str:
    """``'train'``, ``'val'`` or ``'test'``; every subject is in one of them."""
    return next((split for split, subjects in SPLITS.items() if subject in subjects), 'train')


def source_fps(subject: str, stated: float | None) -> float:
    """Frames per second of a subject's files; a ``stated`` 120 says nothing, since all BVHs do."""
    if stated is not None and abs(stated - 120) > 1:
        return round(stated)
    return SOURCE_FPS.get(subject, 120)


def action_of(description: str, category: str = '') -> str:
    """Action class of a description, or where it is missing of the subject's category: of :data:`ACTION_RULES`.

    Example:
        >>> action_of('Walk, then run'), action_of('', 'modern dance'), action_of('')
        ('run', 'dance', 'other')
    """
    words = (description or category).lower()
    return next((action for action, pattern in ACTION_RULES if re.search(pattern, words)), 'other')


def read_index(path: str | os.PathLike) -> dict[str, tuple[str, str]]:
    """Reads descriptions of clips: CMU's index as text, or a table.

    Lines are ``id<TAB>description`` or CSV ``id,description[,category]``; a line ``Subject #9 (run)`` gives the
    category of the clips below it; other lines are passed over.

    Returns:
        Clip id -> (description, category).

    Raises:
        InputError: the file cannot be read or has no line of a clip.
    """
    descriptions, category = {}, ''
    text = read_text(path, 'an index with lines "id<TAB>description" or "id,description"')
    for line in text.splitlines():
        heading = re.match(r'\s*subject\s*#?\s*\d+\s*\((.*)\)\s*$', line, re.IGNORECASE)
        if heading:
            category = heading[1].strip()
            continue
        [row] = csv.reader([line or ','], delimiter='\t' if '\t' in line else ',')
        name, *cells = (cell.strip() for cell in row)
        if cells and (ids := parse_clip_id(name)):
            descriptions['_'.join(ids)] = (cells[0], cells[1] if len(cells) > 1 and '\t' not in line else category)
    if not descriptions:
        raise InputError(f'{path}: has no line such as "01_01<TAB>walk", expected a description for each clip id')
    return descriptions

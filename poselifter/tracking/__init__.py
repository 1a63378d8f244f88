"""Persons over time: linking, mending and filling 2D tracks, smoothing."""

from .checks import mend_sides, mend_tracks
from .choose import choose_persons, match_persons
from .fill import fill_missing
from .link import PersonLinker, cut_jumps, link_persons
from .signals import OneEuroFilter, interpolate, smooth

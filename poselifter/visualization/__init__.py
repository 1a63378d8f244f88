"""Pictures, animations and interactive pages of results, as writers in ``WRITERS``."""

from . import animation, html, picture

"""From poses in front of a camera to persons in the world: paths, gravity, ground, feet that stand."""

from .camera_file import FilmCamera, read_camera
from .place import World, place_in_world

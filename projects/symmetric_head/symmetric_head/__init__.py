"""A worked example of a plugin: a head that likes limbs of equal length, and a reader and a writer of CSV."""

from .head import SymmetricPoseHead
from .tables import read_table, write_table

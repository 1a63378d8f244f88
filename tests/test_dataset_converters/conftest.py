"""Toy ASF and AMC files, also for programs outside of pytest that convert them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toy_datasets.cmu import amc_text, asf_text, make_angles  # noqa: F401

"""Metrics: ``functional`` (arrays in, number out) and ``metrics`` (over a data set)."""

from . import functional, metrics

"""Keypoints of many persons to person tracks."""

from .link import link_persons

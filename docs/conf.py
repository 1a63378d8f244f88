"""Sphinx settings: pip install -e .[docs]; sphinx-build docs docs/_build."""

project = 'poselifter'
author = 'The poselifter developers'
extensions = ['myst_parser']
html_theme = 'sphinx_book_theme'
exclude_patterns = ['_build']
myst_heading_anchors = 3

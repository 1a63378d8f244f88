"""Reader of SLEAP's analysis files in HDF5; its CSV is read as any table."""

import numpy as np

from ...errors import InputError, reading
from ...light_registry import register_reader
from ...structures.keypoint_table import as_numbers
from .document import Detections, Document, seen_scores, texts_of


def _detect(document: Document) -> bool:
    """Arrays, among them ``tracks`` with four axes."""
    return document.is_arrays and 'tracks' in document.content and document.content['tracks'].ndim == 4


@register_reader('sleap', 'SLEAP analysis files', _detect)
def read_sleap(document: Document) -> Detections:
    """Reads all tracks: ``tracks`` (tracks, 2, nodes, frames), ``point_scores`` and ``node_names``, ``track_names``.

    Raises:
        InputError: names of nodes are missing, or arrays have other shapes.
    """
    path, arrays = document.path, document.content
    if 'node_names' not in arrays:
        raise InputError(f'{path}: has tracks without node_names, expected the names of the joints; export it again')
    with reading(f'{path}: arrays are not as SLEAP writes them', 'expected tracks (tracks, 2, nodes, frames)'):
        points = as_numbers(arrays['tracks'], f'{path}: tracks').astype(np.float64).transpose(0, 3, 2, 1)
        scores = arrays.get('point_scores', np.ones(points.shape[:3]).swapaxes(1, 2))
        scores = as_numbers(scores, f'{path}: point_scores').astype(np.float64).transpose(0, 2, 1)
        names, tracks = (texts_of(arrays.get(key, ())) for key in ('node_names', 'track_names'))
    if points.shape[2:] != (len(names), 2) or scores.shape != points.shape[:3] or len(tracks) not in (0, len(points)):
        shapes = f'tracks {arrays["tracks"].shape}, {len(names)} names, {len(tracks)} names of tracks'
        raise InputError(f'{path}: has {shapes}, expected (tracks, 2, nodes, frames), and point_scores without the 2')
    scores = seen_scores(points, scores)
    track, frame = np.nonzero((scores > 0).any(-1))
    ids = [tracks[t] if tracks else t for t in track.tolist()]
    return Detections(points[track, frame], scores[track, frame], frame, ids, joint_names=names)

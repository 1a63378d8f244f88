"""Writer of recognised actions."""

import json
from pathlib import Path

from ...registry import register_writer
from ...structures import Result
from ...utils import atomic_write


@register_writer('json', '.json', needs=('scores',))
def write_actions(path: Path, result: Result) -> None:
    """For each segment the frames, the best classes with their mean scores, the best of each frame, all scores."""
    tracks, classes = [], result.classes
    for segment in result.describe_segments():
        scores = segment['scores']
        track = {
            'track': segment['track'],
            'frames': segment['frames'].tolist(),
            'top': [{'class': name, 'score': round(score, 4)} for name, score in segment['top']],
            'best': [classes[i] for i in scores.argmax(1)],
            'scores': {name: scores[:, i].round(4).tolist() for i, name in enumerate(classes)},
        }
        tracks.append(track)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({'classes': classes, 'fps': result.table.fps, 'tracks': tracks}))

"""Writer of recognised actions."""

import json
from pathlib import Path
from typing import Any

from ...registry import register_writer
from ...structures import Result
from ...utils import atomic_write


@register_writer('json', '.json', needs=('scores',))
def write_actions(path: Path, result: Result) -> None:
    """For each segment the frames, the best classes with their mean scores, the best of each frame, all scores."""
    tracks = [_segment(segment, result.classes) for segment in result.describe_segments()]
    document = {'classes': result.classes, 'fps': result.table.fps, 'tracks': tracks}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(document))


def _segment(segment: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    scores = segment['scores']
    return {
        'track': segment['track'],
        'frames': segment['frames'].tolist(),
        'top': [{'class': name, 'score': round(score, 4)} for name, score in segment['top']],
        'best': [classes[i] for i in scores.argmax(1)],
        'scores': {name: scores[:, i].round(4).tolist() for i, name in enumerate(classes)},
    }

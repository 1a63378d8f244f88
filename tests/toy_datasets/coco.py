"""COCO's person keypoints of made-up pictures."""

import json
from pathlib import Path

import numpy as np


def annotations(people: int = 5, seed: int = 0) -> dict:
    """The document: a picture a person; the last person has no keypoints, and a crowd follows."""
    rng = np.random.default_rng(seed)
    images, entries = [], []
    for k in range(people):
        size = {'width': 640 - 100 * (k % 2), 'height': 480}
        images.append({'id': 500 + 7 * k, 'file_name': f'{500 + 7 * k:012}.jpg', 'license': 1, **size})
        shown = rng.integers(0, 3, 17) if k < people - 1 else np.zeros(17, int)
        shown[[11, 12]] = 2 if k == 0 else shown[[11, 12]]
        points = rng.uniform(100, 400, (17, 2)).round() * (shown[:, None] > 0)
        keypoints = np.concatenate([points, shown[:, None]], 1).astype(int).reshape(-1).tolist()
        box = [100.0, 100.0, 300.0, 300.0]
        entries.append({
            'id': 9000 + k, 'image_id': 500 + 7 * k, 'category_id': 1, 'iscrowd': 0, 'area': 9e4, 'bbox': box,
            'num_keypoints': int((shown > 0).sum()), 'keypoints': keypoints, 'segmentation': [[1, 2, 3, 4, 5, 6]],
        })  # fmt: skip
    entries.append({**entries[0], 'id': 9999, 'iscrowd': 1})
    category = {'id': 1, 'name': 'person', 'supercategory': 'person', 'keypoints': ['nose'], 'skeleton': [[1, 2]]}
    return {'info': {}, 'licenses': [], 'images': images, 'annotations': entries, 'categories': [category]}


def write_file(folder: Path, document: dict | None = None) -> Path:
    """Writes ``annotations/person_keypoints_train2017.json`` below a folder."""
    path = folder / 'annotations/person_keypoints_train2017.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(annotations() if document is None else document))
    return path

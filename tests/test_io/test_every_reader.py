"""What every registered reader promises; a new one is tested on the day it is registered."""

import json

import numpy as np
import pytest

from poselifter.io import expected_inputs, read_keypoints
from poselifter.io.readers import Detections, Document, list_readers, open_document

READERS = {reader.label: reader for reader in list_readers()}
KNOWN = ('exchange file', 'COCO keypoints', 'MMPose results', 'AlphaPose results', "VideoPose3D's 2D files")


@pytest.fixture
def example(tmp_path, coco_results, mmpose_demo, two_persons):
    """A file of four frames by the label of its reader."""
    points = two_persons[:, 0]
    video = {'layout_name': 'coco', 'video_metadata': {'a.mp4': {'w': 2000, 'h': 2000}}}
    alphapose = [{**entry, 'image_id': f'{entry["image_id"]}.jpg'} for entry in coco_results]
    contents = {
        'exchange file': {'keypoints': points},
        "VideoPose3D's 2D files": {'positions_2d': {'a.mp4': {'custom': [points[..., :2]]}}, 'metadata': video},
        'COCO keypoints': coco_results,
        'MMPose results': mmpose_demo,
        'AlphaPose results': alphapose,
    }

    def write(label):
        path, content = tmp_path / 'file', contents[label]
        if isinstance(content, dict) and label != 'MMPose results':
            with open(path, 'wb') as file:
                np.savez(file, **content)
        else:
            path.write_text(json.dumps(content))
        return path

    return write


@pytest.mark.parametrize('label', READERS)
def test_reads_its_own_files_first_of_all(example, label):
    document = open_document(example(label))
    assert next(reader.label for reader in list_readers() if reader.detect(document)) == label
    detections = READERS[label](document)
    assert isinstance(detections, Detections)
    n, joints = detections.keypoints.shape[:2]
    assert detections.keypoints.shape == (n, 17, 2) and detections.scores.shape == (n, joints)
    assert detections.frames.shape == (n,) and len(set(detections.frames.tolist())) in (3, 4)
    table = read_keypoints(document.path)
    assert table.skeleton == 'coco17' and f'({label}' in table.source and label in expected_inputs()


@pytest.mark.parametrize('label', READERS)
def test_knows_nothing_of_other_files(example, tmp_path, label):
    contents = [None, [], {}, [1], ['a'], [[]], [{}], {'a': 1}, {'a': {}}, {'a': []}]
    assert not any(READERS[label].detect(Document(tmp_path / 'a', content)) for content in contents)
    assert not READERS[label].detect(Document(tmp_path / 'a', {'poses': np.zeros(3)}, is_arrays=True))


def test_docs_list_them(repository):
    """Pages name the readers that came first; the command's help, which is made from the registry, names all."""
    for page in ('README.md', 'docs/user_guides/lift_your_own.md'):
        text = ' '.join((repository / page).read_text().split())
        assert not [label for label in KNOWN if label not in text] and 'poselifter lift --help' in text, page

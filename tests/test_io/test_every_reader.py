"""What every registered reader promises; a new one is tested on the day it is registered."""

import json

import numpy as np
import pytest
from fuzz import fuzz, reads_well, spoil
from hypothesis import given
from hypothesis import strategies as st
from toy_formats import FORMATS_2D, SIZE

from poselifter.io import expected_inputs, notes_on, read_keypoints
from poselifter.io.readers import Detections, Document, list_readers, open_document
from poselifter.tracking import link_persons

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

    def write(label, change=lambda content: content):
        if label in FORMATS_2D:
            return FORMATS_2D[label](tmp_path)
        path, content = tmp_path / 'file', change(contents[label])
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
    assert detections.keypoints.shape == (n, joints, 2) and detections.scores.shape == (n, joints)
    assert detections.frames.shape == (n,) and len(set(detections.frames.tolist())) in (3, 4)
    table = read_keypoints(document.path, img_shape=SIZE[::-1])
    expected = 'mediapipe33' if label == 'MediaPipe landmarks' else 'coco17'
    assert table.skeleton == expected and f'({label}' in table.source and label in expected_inputs()


ODD = [None, True, 0, -1, 2**53, 2**64, 10**400, 0.5, 1e300, -1e300, '', 'a', '\ud800', 'a/../b', [], [7], {}, [[1, 2]]]
CASTS = ['O', 'U', 'S', '?', 'e', 'b', 'u8', 'c16', 'M8[s]']


def mutated(value, random):
    """A copy of a document in which one place, chosen at random, holds something odd or is gone."""
    if isinstance(value, np.ndarray):
        with np.errstate(all='ignore'):
            odd = [value * 0, value * 1e30, -value, value[:-1], value * np.nan, value / 1e6, value[None], value.ravel()]
            return random.choice([*odd, *(value.astype(kind) for kind in CASTS)])
    places = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not places or random.random() < 0.2:
        return random.choice(ODD)
    place, copy = random.choice(places), value.copy()
    if random.random() < 0.1:
        del copy[place]
    else:
        copy[place] = mutated(value[place], random)
    return copy


@pytest.mark.parametrize('label', KNOWN)
@pytest.mark.filterwarnings('error', 'ignore:Exception ignored')  # numpy leaves a damaged npz open
def test_any_change_of_a_file_is_a_table_or_one_sentence(example, label):
    """Of its content, or of its bytes."""

    @fuzz(100)
    @given(st.randoms(use_true_random=False))
    def changed(random):
        if random.random() < 0.5:
            path = example(label, lambda content: mutated(content, random))
        else:
            path = example(label)
            spoil(path, path, random)
        reads_well(lambda path: notes_on(link_persons(read_keypoints(path))), path)

    changed()


@pytest.mark.parametrize('label', READERS)
def test_knows_nothing_of_other_files(example, tmp_path, label):
    contents = [None, [], {}, [1], ['a'], [[]], [{}], {'a': 1}, {'a': {}}, {'a': []}]
    assert not any(READERS[label].detect(Document(tmp_path / 'a', content)) for content in contents)
    assert not READERS[label].detect(Document(tmp_path / 'a', {'poses': np.zeros(3)}, is_arrays=True))


def test_docs_list_them(repository):
    """The README names the readers that came first, the guide all, with a command each."""
    text = ' '.join((repository / 'README.md').read_text().split())
    assert not [label for label in KNOWN if label not in text] and 'poselifter lift --help' in text
    guide = (repository / 'docs/user_guides/lift_your_own.md').read_text()
    table = guide[guide.index('| format |') :].split('\n\n')[0]
    rows = [line.split('|')[1:4] for line in table.splitlines()]
    assert {row[0].strip() for row in rows[2:]} == set(READERS) and 'poselifter lift --help' in guide
    assert all(row[2].strip().startswith('`poselifter lift ') for row in rows[2:])
    assert not [reader.label for reader in list_readers('motion') if reader.label not in guide]

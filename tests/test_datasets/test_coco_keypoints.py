import importlib
import json

import numpy as np
import pytest
from toy_datasets import coco as toy

from poselifter.datasets import COCOKeypointsDataset
from poselifter.datasets.coco_keypoints import read_people
from poselifter.errors import InputError
from poselifter.structures import check_sample


def installed(package):
    try:
        return bool(importlib.import_module(f'{package}.coco'))
    except (ImportError, ValueError):
        return False


needs_coco = pytest.mark.skipif(
    not (installed('xtcocotools') or installed('pycocotools')), reason='COCO files need xtcocotools or pycocotools'
)


def load(folder, **kwargs):
    return COCOKeypointsDataset(data_root=str(folder), window=dict(length=1), **kwargs)


@needs_coco
def test_the_sample_file_is_read(shared):
    folder = shared / 'fixtures/formats/coco'
    expected = json.loads((folder / 'expected.json').read_text())['person_keypoints.json']
    people = read_people(folder / 'person_keypoints.json', weights=(0, 1, 2))
    order = {
        (frame, person): poses for person, frames in expected['persons'].items() for frame, poses in frames.items()
    }
    poses = [np.array(order[key]) for key in sorted(order)]  # annotation by annotation, by frame
    np.testing.assert_allclose(people['keypoints'], [pose[:, :2] for pose in poses], rtol=1e-6)
    np.testing.assert_array_equal(people['keypoints_visible'], [pose[:, 2] for pose in poses])
    assert (people['size'] == expected['image_size'][::-1]).all()
    assert people['image_id'].tolist() == [100 + int(frame) for frame, _ in sorted(order)]
    for name in ('bad_50.json', 'bad_no_image_id.json', 'results.json'):  # results are no annotations
        with pytest.raises(InputError, match=r'is no file of COCO annotations .* expected person_keypoints'):
            read_people(folder / name)


@needs_coco
def test_clips_are_single_people(tmp_path):
    document = toy.annotations()
    toy.write_file(tmp_path, document)
    dataset = load(tmp_path, metainfo=dict(skeleton='coco17'))
    assert len(dataset) == 4  # neither the crowd nor the one without keypoints
    for i in range(4):
        sample, entry = dataset.samples([i])[0], document['annotations'][i]
        check_sample(sample)
        table = np.array(entry['keypoints']).reshape(1, 17, 3)
        assert sample['sequence'] == str(entry['id'])
        assert sample['img_shape'] == (480, 640 - 100 * (i % 2))
        np.testing.assert_array_equal(sample['keypoints_visible'], table[..., 2] / 2)
        np.testing.assert_array_equal(sample['keypoints'], table[..., :2])
    converted = load(tmp_path, weights=(0, 1, 1)).samples([0])[0]
    table = np.array(document['annotations'][0]['keypoints']).reshape(17, 3)
    np.testing.assert_array_equal(converted['keypoints'][0, 0], table[[11, 12], :2].mean(0))  # mid-hip
    assert converted['keypoints_visible'][0, 0] == 1 and set(np.unique(converted['keypoints_visible'])) <= {0, 1}
    few = load(tmp_path, metainfo=dict(skeleton='coco17'), min_keypoints=12)
    counts = [entry['num_keypoints'] for entry in document['annotations'][:4]]
    assert len(few) == sum(count >= 12 for count in counts) < 4


@needs_coco
@pytest.mark.parametrize(('change', 'message'), [
    (lambda d: d['annotations'][1].update(keypoints=[2] * 50), 'annotation 9001 has not 51 numbers'),
    (lambda d: d['annotations'][1].pop('image_id'), r'is no file of COCO annotations \(KeyError: .image_id'),
    (lambda d: d['annotations'][1].update(image_id=3), 'annotation 9001 has not 51 numbers or no image'),
    (
        lambda d: d['annotations'][0]['keypoints'].__setitem__(2, 3),
        'visibility goes from 0.0 to 3.0, expected 0, 1, 2',
    ),
    (lambda d: d['annotations'].clear(), 'nobody has keypoints'),
])  # fmt: skip
def test_wrong_annotations_are_named(tmp_path, change, message):
    document = toy.annotations()
    change(document)
    toy.write_file(tmp_path, document)
    with pytest.raises(InputError, match=message):
        load(tmp_path).full_init()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r'train2017.json does not exist; .*download .*cocodataset.org.* to data/coco'):
        load(tmp_path).full_init()


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    """Also where the wheel was built for another numpy, which fails with a ValueError."""
    toy.write_file(tmp_path)
    tried, import_module = [], importlib.import_module

    def fail(name, *rest):
        if not name.startswith(('xtcocotools', 'pycocotools')):
            return import_module(name, *rest)
        tried.append(name)
        raise (ValueError if name.startswith('x') else ImportError)(name)

    monkeypatch.setattr(importlib, 'import_module', fail)
    with pytest.raises(InputError, match='pip install --no-build-isolation --no-deps --no-binary xtcocotools'):
        load(tmp_path).full_init()
    assert tried == ['xtcocotools.coco', 'pycocotools.coco']

"""Adapters of other detectors: rtmlib itself with tiny networks; stand-ins for Ultralytics and MMPose."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from poselifter.detection import build_detector, open_frames
from poselifter.detection.adapters import rtmlib_detector
from poselifter.errors import InputError
from poselifter.tracking import link_persons


@pytest.fixture
def frames(tmp_path):
    """Three pictures of 100 x 80; the first is black."""
    folder = tmp_path / 'shots'
    folder.mkdir()
    for number in range(3):
        Image.new('RGB', (100, 80), (255, 0, 0) if number else (0, 0, 0)).save(folder / f'{number}.png')
    return open_frames(folder, fps=25)


def write_network(path, size, outputs):
    """An ONNX network of a picture (1, 3, *size) whose outputs are constant."""
    onnx = pytest.importorskip('onnx')
    helper = onnx.helper
    image = helper.make_tensor_value_info('image', 1, [1, 3, *size])
    nodes, results = [], []
    for name, value in outputs.items():
        constant = onnx.numpy_helper.from_array(value.astype(np.float32), name)
        nodes.append(helper.make_node('Constant', [], [name], value=constant))
        results.append(helper.make_tensor_value_info(name, 1, value.shape))
    graph = helper.make_graph(nodes, 'constant', [image], results)
    opset = helper.make_opsetid('', 13)
    path.write_bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
    return str(path)


@pytest.mark.parametrize(('solution', 'joints', 'skeleton'), [
    ('Body', 17, 'coco17'), ('BodyWithFeet', 26, 'halpe26'), ('Wholebody', 133, 'coco_wholebody133_body23'),
])  # fmt: skip
def test_rtmlib(frames, tmp_path, solution, joints, skeleton):
    pytest.importorskip('rtmlib', exc_type=ImportError)
    boxes = np.array([[[8, 16, 56, 80, 0.9], [0, 0, 4, 4, 0.01]]])  # in a picture of 80 x 80, so 1.25 times smaller
    x, y = np.zeros((1, joints, 96)), np.zeros((1, joints, 128))
    x[0, :, 48], y[0, :, 64] = 0.75, 0.75  # in the middle of 48 x 64, at two bins a pixel
    detector = rtmlib_detector(
        solution,
        det=write_network(tmp_path / 'det.onnx', (80, 80), {'boxes': boxes}),
        det_input_size=(80, 80),
        pose=write_network(tmp_path / 'pose.onnx', (64, 48), {'x': x, 'y': y}),
        pose_input_size=(48, 64),
    )
    table = detector(frames)
    assert table.skeleton == skeleton and table.fps == 25 and table.img_shape == (80, 100)
    assert table.frame_indices.tolist() == [0, 1, 2] and (table.track_ids < 0).all()
    np.testing.assert_allclose(table.keypoints, np.broadcast_to([40, 60], table.keypoints.shape), atol=1e-4)
    np.testing.assert_allclose(table.keypoints_visible, 0.75)
    assert link_persons(table).track_ids.tolist() == [0, 0, 0]


def test_rtmlib_sees_nobody_where_nobody_is(frames, tmp_path):
    """Left alone, it takes the whole picture for a person."""
    pytest.importorskip('rtmlib', exc_type=ImportError)
    nothing = {'boxes': np.array([[[8, 16, 56, 80, 0.01]]])}
    axis = np.zeros((1, 17, 96))
    detector = rtmlib_detector(
        'Body',
        det=write_network(tmp_path / 'det.onnx', (80, 80), nothing),
        det_input_size=(80, 80),
        pose=write_network(tmp_path / 'pose.onnx', (64, 48), {'x': axis, 'y': axis}),
        pose_input_size=(48, 64),
    )
    with pytest.raises(InputError, match='no person was found'):
        detector(frames)


def persons(image):
    """Nobody in a black picture, else two persons; red is the last channel (BGR)."""
    if not image.any():
        return np.zeros((0, 17, 3), np.float32)
    assert (image[0, 0] == [0, 0, 255]).all()
    one = np.tile(np.float32([30, 20, 0.5]), (17, 1))
    return np.stack([one, one + np.float32([40, 0, 0])])


def test_ultralytics_stand_in(frames, monkeypatch):
    """An object with the calls of ``ultralytics.YOLO``; the library itself (AGPL) is not among the test packages."""

    class YOLO:
        def __init__(self, weights):
            self.weights = weights

        def __call__(self, image, verbose):
            return [SimpleNamespace(keypoints=SimpleNamespace(data=torch.from_numpy(persons(image))))]

    module = ModuleType('ultralytics')
    module.YOLO = YOLO
    monkeypatch.setitem(sys.modules, 'ultralytics', module)
    check(build_detector('ultralytics=yolo11n-pose.pt')(frames))
    with pytest.raises(InputError, match='needs the file of a pose model'):
        build_detector('ultralytics')


def test_mmpose_stand_in(frames, monkeypatch):
    """An object with the calls of ``mmpose.apis.MMPoseInferencer``; the library itself is not installed."""

    def inferencer(model):
        def predict(image):
            rows = [{'keypoints': p[:, :2].tolist(), 'keypoint_scores': p[:, 2].tolist()} for p in persons(image)]
            yield {'predictions': [rows]}

        return predict

    module = ModuleType('mmpose.apis')
    module.MMPoseInferencer = inferencer
    monkeypatch.setitem(sys.modules, 'mmpose', ModuleType('mmpose'))
    monkeypatch.setitem(sys.modules, 'mmpose.apis', module)
    check(build_detector('mmpose')(frames))


def check(table):
    assert table.skeleton == 'coco17' and sorted(table.frame_indices) == [1, 1, 2, 2]
    assert sorted(table.keypoints[:, 0, 0]) == [30, 30, 70, 70] and (table.keypoints_visible == 0.5).all()


@pytest.mark.parametrize('name', ['rtmlib-body', 'ultralytics=a.pt', 'mmpose'])
def test_missing_libraries_are_named(name, monkeypatch):
    for module in ('rtmlib', 'ultralytics', 'mmpose', 'mmpose.apis'):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r'cannot be imported .*(pip install|mmpose\.readthedocs)'):
        build_detector(name)


def test_unknown_detectors_are_refused():
    with pytest.raises(InputError, match="detector is 'yolo', expected 'blazepose-full'"):
        build_detector('yolo')

"""Camera files of three tools: the same camera from each, and what is wrong in one sentence."""

import json
import sys

import cv2
import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.world import FilmCamera, read_camera

MATRIX = [[1681.2, 0, 533.0], [0, 1681.1, 948.1], [0, 0, 1]]
DISTORTION = [-0.12, 0.03, 0.001, -0.002]
TOML = pytest.mark.skipif(sys.version_info < (3, 11), reason='Python reads TOML from 3.11 on')
VECTOR, TRANSLATION = [1.2, -0.4, 0.3], [0.3, 0.9, 2.9]

OPENCV = f"""%YAML:1.0
---
image_width: 1080
image_height: 1920
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: {np.ravel(MATRIX).tolist()}
distortion_coefficients: !!opencv-matrix
   rows: 4
   cols: 1
   dt: d
   data: {DISTORTION}
rvec: {VECTOR}
tvec: {TRANSLATION}
"""
POSE2SIM = f"""
[cam_01]
name = "cam_01"
size = [ 1080.0, 1920.0,]
matrix = {MATRIX}
distortions = {DISTORTION}
rotation = {VECTOR}
translation = {TRANSLATION}
fisheye = false

[cam_02]
name = "cam_02"
size = [ 1080.0, 1920.0,]
matrix = {MATRIX}
distortions = {DISTORTION}
rotation = [ 0.0, 0.0, 0.0,]
translation = [ 0.0, 0.0, 0.0,]
fisheye = false

[metadata]
adjusted = false
error = 0.0
"""
LIST = json.dumps(
    {
        'convention': 'OpenCV',
        'cameras': [
            {
                'name': 'cam_01', 'width': 1080, 'height': 1920, 'fx': 1681.2, 'fy': 1681.1, 'cx': 533.0, 'cy': 948.1,
                'dist': DISTORTION, 'R': cv2.Rodrigues(np.array(VECTOR))[0].tolist(), 't': TRANSLATION,
            },
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'text'), [('c.yml', OPENCV), pytest.param('c.toml', POSE2SIM, marks=TOML), ('c.json', LIST)]
)
def test_the_same_camera_from_each_tool(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    camera = read_camera(tmp_path / name, 'film_cam_01')
    np.testing.assert_allclose(camera.matrix, MATRIX)
    assert camera.size == (1080, 1920) and not camera.fisheye
    points = np.random.default_rng(0).normal(size=(20, 3)) * 0.5
    pixels = cv2.projectPoints(points, np.array(VECTOR), np.array(TRANSLATION), np.array(MATRIX), np.array(DISTORTION))[
        0
    ]
    seen = points @ camera.rotation.T + camera.translation
    np.testing.assert_allclose(camera.rays(pixels[:, 0]), seen[:, :2] / seen[:, 2:], atol=2e-4)


@TOML
def test_one_of_several_is_named(tmp_path):
    (tmp_path / 'c.toml').write_text(POSE2SIM)
    assert read_camera(f'{tmp_path / "c.toml"}:cam_02').translation.tolist() == [0, 0, 0]
    with pytest.raises(InputError, match=r"has the cameras \['cam_01', 'cam_02'\].*give .*:NAME"):
        read_camera(tmp_path / 'c.toml', 'walk')


def test_pictures_of_another_size():
    camera = FilmCamera(np.array(MATRIX), (1080, 1920))
    np.testing.assert_allclose(camera.resized((960, 540)).matrix[:2], np.array(MATRIX)[:2] / 2)
    with pytest.raises(InputError, match='expected the same shape'):
        camera.resized((1080, 1920))


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('c.json', '{"a": 1}', r'has the cameras \[\]'),
        ('c.json', '[1, 2', 'is not read .JSONDecodeError'),
        pytest.param('c.toml', 'matrix = [', 'is not read', marks=TOML),
        ('c.yml', '%YAML:1.0\n---\nK: !!python/object/apply:os.system ["true"]', 'is not read'),
        ('c.json', '{"K": [[1, 0], [0, 1]]}', 'is not understood'),
        ('c.json', '{"K": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]}', 'expected focal lengths above 0'),
        (
            'c.json',
            '{"fx": 900, "cx": 1, "cy": 1, "R": [[2,0,0],[0,1,0],[0,0,1]], "t": [0,0,0]}',
            'expected a rotation',
        ),
        ('c.json', '{"fx": 900, "cx": 1, "cy": 1, "R": [0,0,0], "t": [0,0,4000]}', 'divide millimetres by 1000'),
        ('c.json', '{"fx": 900, "cx": 1, "cy": 1, "R": [0,NaN,0], "t": [0,0,4]}', 'expected a rotation'),
        *(
            ('c.json', f'{{"fx": 900, "cx": 1, "cy": 1, "width": 800, "height": {height}}}', message)
            for height, message in [
                *(
                    (value, 'the size is .* expected two whole numbers')
                    for value in ('Infinity', 'NaN', '600.5', '0', 'null')
                ),
                *((value, 'is not understood') for value in ('"tall"', '9' * 400, '[600, 1]')),
            ]
        ),
        *(
            ('c.json', json.dumps({'fx': 900, 'cx': 1, 'cy': 1, 'D': numbers, 'fisheye': fish}), 'the distortion is')
            for numbers, fish in [([0.1] * 3, 0), ([0.1] * 6, 0), ([0.1, 0, 0, float('nan')], 0), ([0.1] * 5, 1)]
        ),
        ('c.yml', OPENCV.replace('1920', '.inf'), 'the size is'),
        ('c.yml', OPENCV.replace('-0.12, 0.03, ', '0.03, '), 'the distortion is .* expected OpenCV'),
        pytest.param('c.toml', POSE2SIM.split('[cam_02]')[0].replace('1920.0', 'inf'), 'the size is', marks=TOML),
        pytest.param('c.toml', POSE2SIM.split('[cam_02]')[0].replace('-0.12,', ''), 'the distortion is', marks=TOML),
    ],
)
def test_what_is_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_camera(tmp_path / name)


@pytest.mark.parametrize(('count', 'fisheye'), [*((count, False) for count in (0, 4, 5, 8, 12, 14)), (4, True)])
def test_coefficients_that_opencv_takes(tmp_path, count, fisheye):
    record = {'fx': 900, 'cx': 400, 'cy': 300, 'D': [0.01] * count, 'fisheye': fisheye}
    (tmp_path / 'c.json').write_text(json.dumps(record))
    assert np.isfinite(read_camera(tmp_path / 'c.json').rays(np.array([[390.0, 310.0]]))).all()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match='is not read'):
        read_camera(tmp_path / 'none.toml')


@pytest.mark.parametrize('distortion', [None, np.zeros(4)])
def test_a_fisheye_without_coefficients_is_equidistant(distortion):
    """A pixel lies as far from the centre as the focal length times the angle from the axis."""
    camera = FilmCamera(np.array([[800.0, 0, 400], [0, 800, 300], [0, 0, 1]]), (800, 600), distortion, True)
    angle = np.radians([0.5, 20, 50])
    rays = camera.rays(np.stack([400 + 800 * angle, np.full(3, 300.0)], -1))
    np.testing.assert_allclose(rays, np.stack([np.tan(angle), np.zeros(3)], -1), atol=1e-6)

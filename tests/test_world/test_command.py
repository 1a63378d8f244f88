"""`poselifter lift --world` and `poselifter page` from file to files."""

import numpy as np
import pytest

from poselifter.cli import main
from poselifter.io import read_result
from poselifter.utils.arrays import save_arrays


def test_lift_into_the_world_and_a_page(tmp_path, data_dir, capsys):
    tiny = np.load(data_dir / 'cmu_tiny.npz')
    k = list(tiny['clip_id']).index('05_01')
    rows = slice(tiny['clip_start'][k], tiny['clip_start'][k] + 40)
    world = tiny['poses'][rows] * float(tiny['unit_m']) + tiny['root'][rows][:, None]
    points = np.stack([world[..., 0] - world[0, 0, 0], 1 - world[..., 2], world[..., 1] - world[0, 0, 1] + 6], -1)
    pixels = points[..., :2] / points[..., 2:] * 1500 + (960, 540)
    save_arrays(tmp_path / 'walk.npz', {'keypoints': pixels, 'img_shape': (1080, 1920), 'fps': 30, 'skeleton': 'cmu17'})
    main(
        [
            'lift',
            str(tmp_path / 'walk.npz'),
            '-o',
            str(tmp_path / 'out'),
            '--formats',
            'npz',
            '--world',
            '--focal',
            '1500',
        ]
    )
    printed = capsys.readouterr().out
    assert 'focal length 1500 pixels' in printed and 'degrees down' in printed and 'feet stand in' in printed
    result = read_result(tmp_path / 'out/walk.npz')
    path = result.world_positions()[:, 0]
    true = np.linalg.norm(points[-1, 0] - points[0, 0])
    assert np.linalg.norm(path[-1] - path[0]) == pytest.approx(true, rel=0.25)
    assert abs(result.world_from_camera[2, 2]) < np.sin(np.radians(8))  # the camera looks level
    main(['page', str(tmp_path / 'out/walk.npz'), '-o', str(tmp_path / 'walk.html')])
    assert '"world":[[' in (tmp_path / 'walk.html').read_text()


def test_options_of_the_world_need_it(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['lift', str(tmp_path / 'walk.npz'), '--height', '1.8'])
    assert 'add --world' in capsys.readouterr().err

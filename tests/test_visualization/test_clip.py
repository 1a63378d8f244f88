import numpy as np
import pytest

from poselifter.errors import InputError
from poselifter.skeletons import get_skeleton, list_skeletons
from poselifter.visualization.clip import check_clip, limb_radius, to_y_up
from poselifter.visualization.styles import edge_sides


def checked(clip, **changes):
    arguments = {'img_shape': None, 'visible': None, 'truth_3d': None, **clip, **changes}
    return check_clip(**arguments)


def test_to_y_up_turns_up_and_keeps_handedness():
    axes = to_y_up(np.eye(3))
    np.testing.assert_array_equal(axes[1], [0, -1, 0])
    assert np.linalg.det(axes) == 1  # a rotation: left stays left
    np.testing.assert_array_equal(to_y_up(axes), np.eye(3))


def test_hidden_keypoints_may_be_nan(clip):
    points, visible = clip['keypoints_2d'].copy(), np.ones((45, 17))
    points[3, 5], visible[3, 5] = np.nan, 0
    assert np.isfinite(checked(clip, keypoints_2d=points, visible=visible).keypoints_2d).all()
    assert np.isnan(points[3, 5]).all()  # the input is as it was
    with pytest.raises(InputError, match=r'keypoints_2d has 2 values that are NaN .* row 3'):
        checked(clip, keypoints_2d=points)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'keypoints_3d': np.zeros((0, 17, 3))}, r'keypoints_3d has shape \(0, 17, 3\)'),
        ({'keypoints_3d': np.zeros((45, 16, 3))}, 'cmu17'),
        ({'keypoints_3d': np.full((45, 17, 3), np.nan)}, 'NaN'),
        ({'keypoints_3d': 'poses'}, 'no array of numbers'),
        ({'keypoints_2d': np.zeros((44, 17, 2))}, r'expected .*45, 17, 2'),
        ({'keypoints_2d': np.zeros((45, 17, 3))}, 'keypoints_2d'),
        ({'visible': np.ones((45, 16))}, 'visible'),
        ({'truth_3d': np.zeros((45, 17, 2))}, 'truth_3d'),
        ({'truth_3d': np.full((45, 17, 3), np.inf)}, 'truth_3d'),
        ({'img_shape': (0, 10)}, 'img_shape'),
        ({'skeleton_3d': 'h37m'}, 'unknown skeleton'),
    ],
)
def test_bad_input_is_named(clip, changes, message):
    with pytest.raises(InputError, match=message):
        checked(clip, **changes)


@pytest.mark.parametrize('name', list_skeletons())
def test_edges_take_the_side_of_their_joints(name):
    skeleton = get_skeleton(name)
    for (a, b), side in zip(skeleton.edges, edge_sides(skeleton), strict=True):
        ends = {skeleton.sides[a], skeleton.sides[b]}
        assert side in ends or ends == {'left', 'right'}
        assert side == 'centre' or {'left': 'right', 'right': 'left'}[side] not in ends


def test_limbs_scale_with_the_body(clip):
    assert 0.015 < limb_radius(clip['keypoints_3d']) < 0.03
    assert limb_radius(clip['keypoints_3d'] * 2) == pytest.approx(2 * limb_radius(clip['keypoints_3d']))
    assert limb_radius(np.zeros((2, 17, 3))) > 0

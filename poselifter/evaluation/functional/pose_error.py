"""Mean errors of poses and their motion, in the unit of the poses."""

from typing import Any

from .distances import (
    acceleration_distances,
    aligned_distances,
    joint_distances,
    mean,
    scaled_distances,
    velocity_distances,
)


def mpjpe(pred: Any, target: Any, visible: Any = None) -> float:
    """Mean per-joint position error (Human3.6M protocol 1); aligns nothing.

    Args:
        pred: (..., J, 3) poses, numpy or torch, any unit.
        target: (..., J, 3) true poses in the same unit and frame.
        visible: (..., J), 0 where the target has no label; such joints do not count.

    Returns:
        Mean distance over labelled joints, in the unit of the poses.

    Raises:
        InputError: shapes disagree, a coordinate that counts is not finite, or nothing is labelled.
    """
    return mean(joint_distances, pred, target, visible)


def p_mpjpe(pred: Any, target: Any, visible: Any = None) -> float:
    """MPJPE after aligning each pose by rotation, translation and scale (protocol 2, PA-MPJPE).

    Reflections are not used; a pose with fewer than 3 labelled joints does not
    count. Arguments and errors as :func:`mpjpe`, but the frames may differ.
    """
    return mean(aligned_distances, pred, target, visible)


def mpve(pred: Any, target: Any, visible: Any = None) -> float:
    """:func:`mpjpe` of vertices (..., V, 3); aligns nothing (papers centre both meshes on the root before)."""
    return mean(joint_distances, pred, target, visible)


def n_mpjpe(pred: Any, target: Any, visible: Any = None) -> float:
    """MPJPE after scaling each pose by ``sum(p . t) / sum(p . p)``, uncentred (protocol 3).

    Arguments and errors as :func:`mpjpe`; the poses are root-relative.

    Source: Rhodin et al., "Unsupervised geometry-aware representation for 3D human pose estimation" (ECCV 2018).
    """
    return mean(scaled_distances, pred, target, visible)


def mpjve(pred: Any, target: Any, visible: Any = None) -> float:
    """Mean per-joint velocity error; aligns nothing.

    Source: Pavllo et al., "3D human pose estimation in video with temporal
    convolutions and semi-supervised training" (CVPR 2019).

    Arguments and errors as :func:`mpjpe`, but (..., T, J, 3), time is axis -3, and an error also for fewer than 2
    frames. A difference counts where both its frames are labelled.

    Returns:
        Mean norm of the error of first differences, in the unit of the poses a frame.
    """
    return mean(velocity_distances, pred, target, visible)


def mpjae(pred: Any, target: Any, visible: Any = None) -> float:
    """Mean per-joint acceleration error; aligns nothing.

    Source: Kanazawa et al., "Learning 3D human dynamics from video" (CVPR 2019), but with seconds in place of frames.

    Arguments and errors as :func:`mpjve`, which needs 3 frames here; a second difference counts where its three frames
    are labelled.

    Returns:
        Mean norm of the error of second differences, in the unit of the poses a frame squared.
    """
    return mean(acceleration_distances, pred, target, visible)

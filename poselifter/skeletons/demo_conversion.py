"""The COCO to Human3.6M conversion of the Strided Transformer, MHFormer and MotionAGFormer demos."""

import numpy as np

from ..errors import InputError
from .skeleton import get_skeleton


def convert_coco_demo(keypoints: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Converts COCO keypoints (..., 17, 2) as the demos of MotionAGFormer and its forerunners do.

    Not linear: thorax, spine, nose and head are moved along the face. Meant for their published weights in the wild;
    :func:`~poselifter.skeletons.convert_keypoints` is the plain conversion.

    Args:
        keypoints: (..., 17, 2) pixels, y down, COCO order.
        scores: (..., 17) confidence.

    Returns:
        Keypoints (..., 17, 2) and scores (..., 17) in the order of h36m17.

    Raises:
        InputError: the shapes do not fit.

    Source: MotionAGFormer, demo, ``h36m_coco_format`` (tables in its lib/preprocess.py).
    """
    if keypoints.shape[-2:] != (17, 2) or scores.shape != keypoints.shape[:-1]:
        raise InputError(f'keypoints {keypoints.shape} and scores {scores.shape}, expected (..., 17, 2) and (..., 17)')
    coco, h36m = get_skeleton('coco17').joint_names, get_skeleton('h36m17').joint_names
    points = {name: keypoints[..., i, :] for i, name in enumerate(coco)}
    weights = {name: scores[..., i] for i, name in enumerate(coco)}
    face = [coco.index(name) for name in ('left_eye', 'right_eye', 'left_ear', 'right_ear')]
    shoulders = (points['left_shoulder'] + points['right_shoulder']) / 2
    nose, eyes_y = points['nose'], (points['left_eye'] + points['right_eye'])[..., 1]

    points['pelvis'] = (points['left_hip'] + points['right_hip']) / 2
    points['thorax'] = shoulders + (nose - shoulders) / 3
    spine = (shoulders + points['pelvis']) / 2
    middle = (points['pelvis'] + points['thorax']) / 2
    points['spine'] = np.stack([3 * spine[..., 0] - 2 * middle[..., 0], spine[..., 1]], -1)
    points['thorax'][..., 1] -= (eyes_y / 2 - nose[..., 1]) * 2 / 3
    points['head_top'] = np.stack([keypoints[..., face, 0].mean(-1), eyes_y - nose[..., 1]], -1)
    points['nose'] = nose - (nose - shoulders) / 4

    weights['pelvis'] = (weights['left_hip'] + weights['right_hip']) / 2
    weights['thorax'] = (weights['left_shoulder'] + weights['right_shoulder']) / 2
    weights['spine'] = (weights['pelvis'] + weights['thorax']) / 2
    weights['head_top'] = scores[..., face].mean(-1)
    return np.stack([points[n] for n in h36m], -2), np.stack([weights[n] for n in h36m], -1)

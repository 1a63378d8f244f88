"""Errors of recovered bodies, as the papers on meshes count them."""

from typing import Any

from .distances import Distances, aligned_distances, as_array, joint_distances

MESH_JOINTS = [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]  # the papers' 14: no pelvis, spine and nose


def mesh_distances(pred_vertices: Any, vertices: Any, pred_keypoints: Any, keypoints: Any) -> dict[str, Distances]:
    """Distances of every mesh metric, relative to joint 0 of the body.

    Args:
        pred_vertices: (..., V, 3), numpy or torch, any unit.
        vertices: (..., V, 3) true vertices.
        pred_keypoints: (..., 17, 3) joints h36m17 of the predicted body, by the regressor.
        keypoints: (..., 17, 3) of the true body.

    Returns:
        ``mpve``, ``mpjpe`` and ``pa_mpjpe`` on 14 joints, ``mpjpe_17``, ``pa_mpjpe_17``.

    Raises:
        InputError: shapes disagree, or a coordinate is not finite.
    """
    poses = [as_array(p) for p in (pred_keypoints, keypoints)]
    roots = [pose[..., :1, :] for pose in poses]
    meshes = [as_array(m) - root for m, root in zip((pred_vertices, vertices), roots, strict=True)]
    poses = [pose - root for pose, root in zip(poses, roots, strict=True)]
    chosen = [pose[..., MESH_JOINTS, :] for pose in poses]
    return {
        'mpve': joint_distances(*meshes),
        'mpjpe': joint_distances(*chosen),
        'pa_mpjpe': aligned_distances(*chosen),
        'mpjpe_17': joint_distances(*poses),
        'pa_mpjpe_17': aligned_distances(*poses),
    }


def evaluate_mesh(pred_vertices: Any, vertices: Any, pred_keypoints: Any, keypoints: Any) -> dict[str, float]:
    """Means of :func:`mesh_distances` (MotionBERT, section 4.5)."""
    errors = mesh_distances(pred_vertices, vertices, pred_keypoints, keypoints)
    return {name: float(distances.mean()) for name, (distances, _) in errors.items()}

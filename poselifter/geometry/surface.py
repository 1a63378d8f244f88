"""Surfaces of triangles."""

import numpy as np


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) of vertices (V, 3): those of the faces (F, 3) around, weighted by area; outwards where the
    corners of a face run counter-clockwise as seen from outside; 0 where a vertex has no face.

    Example:
        >>> vertex_normals(np.array([[0., 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))[0].tolist()
        [0.0, 0.0, 1.0]
    """
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    across = np.cross(b - a, c - a)
    owners, count = faces.ravel(), len(vertices)
    normals = np.stack([np.bincount(owners, across[:, k].repeat(3), count) for k in range(3)], -1)
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)

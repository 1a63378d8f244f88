"""Banded systems in numpy alone, since exported models run without scipy."""

import numpy as np

_BLOCK = 32  # rows that are solved as one dense system


def solve_banded(bands: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Solves ``A x = values`` for a symmetric, positive definite, banded A by elimination of blocks.

    Args:
        bands: (u + 1, n); row k holds the entries k below the diagonal, the last k of them are not read.
        values: (n, m).

    Returns:
        (n, m) float64.

    Example:
        >>> solve_banded(np.array([[2.0, 2.0], [1.0, 0.0]]), np.array([[3.0], [3.0]])).ravel().tolist()
        [1.0, 1.0]
    """
    n, size = len(values), max(_BLOCK, len(bands) - 1)
    count = -(-n // size)
    matrix = np.zeros((count, size, 2 * size))  # each block of rows of the upper half, and the block to its right
    matrix.reshape(-1, 2 * size)[n:, :size] += np.tile(np.eye(size), (count, 1))[n:]  # rows beyond the end
    rows = np.arange(n)
    for k, band in enumerate(bands):
        block, row = np.divmod(rows[: n - k], size)
        matrix[block, row, row + k] = band[: n - k]
        inside = row + k < size
        matrix[block[inside], row[inside] + k, row[inside]] = band[: n - k][inside]
    right = np.zeros((count * size, values.shape[1]))
    right[:n] = values
    right = right.reshape(count, size, -1)
    for i in range(count):
        solved = np.linalg.solve(matrix[i, :, :size], np.concatenate([matrix[i, :, size:], right[i]], 1))
        if i + 1 < count:
            across = matrix[i, :, size:].T
            matrix[i + 1, :, :size] -= across @ solved[:, :size]
            right[i + 1] -= across @ solved[:, size:]
        matrix[i, :, size:], right[i] = solved[:, :size], solved[:, size:]
    for i in range(count - 2, -1, -1):
        right[i] -= matrix[i, :, size:] @ right[i + 1]
    return right.reshape(count * size, -1)[:n]

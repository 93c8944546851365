"""Scale arrays to a norm of one."""

from __future__ import annotations

import numpy as np


def normalize(x, axis=-1, order=2) -> np.ndarray:
    """x divided by its norm of that order along an axis. Where the norm is 0, x stays the same.

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)

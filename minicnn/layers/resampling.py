"""Images in other sizes by kernels wider than `ops/resize`'s: products with the matrices of `tables.weights`.

    y[n, :, :, c] = R x[n, :, :, c] K^T        R (OH, H) for rows, K (OW, W) for columns

The dense layer multiplies the last axis by a matrix, so images are transposed before each product, and at the end.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..ops import dense, resize
from ..ops.resize.tables import weights
from ..runtime import transfer
from .places import moved, moved_back

INTERPOLATIONS = (*resize.INTERPOLATIONS, "bicubic", "lanczos3", "lanczos5", "area")
_ORDERS = (0, 1, 3, 2), (0, 3, 2, 1), (0, 3, 1, 2)  # columns last; then rows last; then as at the beginning


def forward(x, size, interpolation, antialias=False, need_saved=True):
    """(y, what `backward` needs) of images x (N, H, W, C) in another size (OH, OW)."""
    if interpolation == "nearest" or (interpolation == "bilinear" and not antialias):
        y, saved = resize.forward(x, size, interpolation, need_saved)
        return y, [(resize.backward, saved)]
    kept, matrices = [], [(x.shape[2], size[1]), (x.shape[1], size[0])]
    for i, order in enumerate(_ORDERS):
        x, how = moved(x, "transpose", {"axes": list(order)}, need_saved=need_saved)
        kept.append((moved_back, how))
        if i < 2:
            matrix = _matrix(*matrices[i], interpolation, bool(antialias), np.dtype(x.dtype).name)
            x, saved = dense.forward(x, transfer.to_device(matrix), None, need_saved=need_saved)
            kept.append((_before_product, saved))
    return x, kept


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    for function, kept in reversed(saved) if need_dx else ():
        dy = function(dy, kept)
    return dy if need_dx else None


def _before_product(dy, saved):
    return dense.backward(dy, saved)[0]


@lru_cache(maxsize=64)
def _matrix(length, wanted, interpolation, antialias, dtype):
    return np.ascontiguousarray(weights(length, wanted, interpolation, antialias).T, dtype)

"""The gradients of what convolution and dense layers do to a finished sum: ReLU and the added bias."""

from __future__ import annotations

from numba import prange

from . import workspace
from .compile import kernel

_PIECES = 32  # rows are summed in this many pieces, then the pieces in order: the same bits for any thread count


def through_relu(dy, y):
    """dy where y = relu(..) is positive, else zero; a buffer of its own."""
    dz = workspace.empty(dy.shape, dy.dtype)
    _through_relu(dy.reshape(-1), y.reshape(-1), dz.reshape(-1))
    return dz


@kernel(parallel=True)
def _through_relu(dy, y, dz):
    for i in prange(dy.size):
        dz[i] = dy[i] if y[i] > 0 else dy.dtype.type(0)


def bias_gradient(dy):
    """The sum of dy (..., F) over everything but its last axis: (F,)."""
    F = dy.shape[-1]
    db = workspace.empty((F,), dy.dtype)
    _column_sums(dy.reshape(-1, F), workspace.empty((_PIECES, F), dy.dtype), db)
    return db


@kernel(parallel=True)
def _column_sums(dy, partial, db):
    M, F = dy.shape
    pieces = partial.shape[0]
    for piece in prange(pieces):
        for f in range(F):
            partial[piece, f] = 0
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            for f in range(F):
                partial[piece, f] += dy[i, f]
    for f in range(F):
        total = dy.dtype.type(0)
        for piece in range(pieces):
            total += partial[piece, f]
        db[f] = total

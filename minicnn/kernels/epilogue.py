"""What a dense layer does to its finished sums, backwards: ReLU and the added bias, in one pass."""

from __future__ import annotations

from numba import prange

from . import workspace
from .compile import kernel
from .vector_loop import add, pass_relu, zero

_PIECES = 32  # rows are summed in this many pieces, then the pieces in order: the same bits for any thread count


def epilogue_gradient(dy, y=None):
    """(dz, db) of relu(sums + bias) = y, all (..., F): dz = dy where y > 0, else 0, and its sum over all but F.

    Without y there was no ReLU, and dz is dy itself.
    """
    F = dy.shape[-1]
    dz = dy if y is None else workspace.empty(dy.shape, dy.dtype)
    db = workspace.empty((F,), dy.dtype)
    partial = workspace.empty((_PIECES * F,), dy.dtype)
    flat = dy.reshape(-1)
    _epilogue_gradient(flat, flat if y is None else y.reshape(-1), dz.reshape(-1), F, y is not None, partial, db)
    return dz, db


@kernel(parallel=True)
def _epilogue_gradient(dy, y, dz, F, relu, partial, db):
    pieces, M = partial.size // F, dy.size // F
    for piece in prange(pieces):
        zero(partial, piece * F, F)
        for i in range(piece * M // pieces, (piece + 1) * M // pieces):
            if relu:
                pass_relu(dy, i * F, y, i * F, dz, i * F, F)
            add(dz, i * F, partial, piece * F, F)
    zero(db, 0, F)
    for piece in range(pieces):
        add(partial, piece * F, db, 0, F)

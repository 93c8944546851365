"""Reductions on the CPU: sums have parallel kernels; NumPy computes the others, into buffers of the workspace."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.recording import do
from . import vectorized

_PIECE = 1 << 12  # numbers that one task adds up: short sums have small rounding errors


def sum_forward(x, need_saved=True):
    return _scaled_sum(x, 1), (x.shape if need_saved else None)


def mean_forward(x, need_saved=True):
    return _scaled_sum(x, x.shape[1]), (x.shape if need_saved else None)


def _scaled_sum(x, divisor):
    """The sums over the middle axis, divided. A long sum is cut into pieces, which are added up in order."""
    A, R, B = x.shape
    pieces = max(1, min(R, x.size // _PIECE) // max(A, 1))
    partial = workspace.empty((A, pieces, B), x.dtype)
    _sum.for_work(x.size)(x.reshape(-1), A, R, B, pieces, x.dtype.type(divisor if pieces == 1 else 1), partial)
    if pieces == 1:
        return partial.reshape(A, B)
    y = workspace.empty((A, 1, B), x.dtype)
    _sum.for_work(partial.size)(partial.reshape(-1), A, pieces, B, 1, x.dtype.type(divisor), y)
    return y.reshape(A, B)


@kernel(parallel=True)
def _sum(x, A, R, B, pieces, divisor, y):
    """y[a, piece, b] = the sum over a piece's r of x[a, r, b], divided."""
    for task in prange(A * pieces):
        a, piece = task // pieces, task % pieces
        first, end = piece * R // pieces, (piece + 1) * R // pieces
        if B == 1:
            total = x.dtype.type(0)
            for r in range(a * R + first, a * R + end):
                total += x[r]
            y[a, piece, 0] = total / divisor
            continue
        for b in range(B):
            y[a, piece, b] = 0
        for r in range(first, end):
            row = (a * R + r) * B
            for b in range(B):
                y[a, piece, b] += x[row + b]
        for b in range(B):
            y[a, piece, b] /= divisor


def sum_backward(dy, saved):
    return _spread(dy, saved, 1)


def mean_backward(dy, saved):
    return _spread(dy, saved, saved[1])


def _spread(dy, shape, divisor):
    dx = workspace.empty(shape, dy.dtype)
    _spread_rows.for_work(dx.size)(dy.reshape(-1), *shape, dy.dtype.type(divisor), dx.reshape(-1))
    return dx


@kernel(parallel=True)
def _spread_rows(dy, A, R, B, divisor, dx):
    for row in prange(A * R):
        a = row // R
        for b in range(B):
            dx[row * B + b] = dy[a * B + b] / divisor


def _by_numpy(forward_of, backward_of):
    """forward and backward that compute what these functions of `vectorized.py` compute, into the workspace."""

    def forward(x, need_saved=True):
        y = workspace.empty((x.shape[0], x.shape[2]), x.dtype)
        do(_put, y, lambda x: forward_of(x)[0], x)
        return y, ((x, y) if need_saved else None)

    def backward(dy, saved):
        x, y = saved
        dx = workspace.empty(x.shape, x.dtype)
        do(_put, dx, lambda dy, x, y: backward_of(dy, (x, y)), dy, x, y)
        return dx

    return forward, backward


def _put(out, function, *arrays):
    with np.errstate(all="ignore"):  # kernels do not warn either
        out[...] = function(*arrays)


def _nothing(dy, saved):
    return np.zeros_like(saved[0])


max_forward, max_backward = _by_numpy(vectorized.max_forward, vectorized.max_backward)
min_forward, min_backward = _by_numpy(vectorized.min_forward, vectorized.min_backward)
prod_forward, prod_backward = _by_numpy(
    vectorized.prod_forward, lambda dy, saved: vectorized.prod_backward(dy, saved[0])
)
argmax_forward, argmax_backward = _by_numpy(vectorized.argmax_forward, _nothing)
argmin_forward, argmin_backward = _by_numpy(vectorized.argmin_forward, _nothing)

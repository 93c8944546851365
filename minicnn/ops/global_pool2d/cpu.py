"""Global pooling in Numba: one pass over each image, with the channels side by side in vectors."""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel


def average_forward(x, need_saved=True):
    y = workspace.empty((x.shape[0], x.shape[3]), x.dtype)
    _average(x, y)
    return y, (x.shape if need_saved else None)


@kernel(parallel=True)
def _average(x, y):
    N, H, W, C = x.shape
    share = x.dtype.type(1) / x.dtype.type(H * W)
    for n in prange(N):
        y[n] = 0
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    y[n, c] += x[n, h, w, c]
        for c in range(C):
            y[n, c] *= share


def average_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    dx = workspace.empty(saved, dy.dtype)
    _average_gradient(dy, dx)
    return dx


@kernel(parallel=True)
def _average_gradient(dy, dx):
    N, H, W, C = dx.shape
    share = dy.dtype.type(1) / dy.dtype.type(H * W)
    for n in prange(N):
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    dx[n, h, w, c] = dy[n, c] * share


def maximum_forward(x, need_saved=True):
    y = workspace.empty((x.shape[0], x.shape[3]), x.dtype)
    _maximum(x, y)
    return y, ((x, y) if need_saved else None)


@kernel(parallel=True)
def _maximum(x, y):
    N, H, W, C = x.shape
    for n in prange(N):
        y[n] = x[n, 0, 0]
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    value, best = x[n, h, w, c], y[n, c]
                    y[n, c] = value if (value > best) | ((value != value) & (best == best)) else best


def maximum_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x, y = saved
    dx = workspace.empty(x.shape, dy.dtype)
    _maximum_gradient(dy, x, y, workspace.empty(y.shape, y.dtype), dx)
    return dx


@kernel(parallel=True)
def _maximum_gradient(dy, x, y, share, dx):
    N, H, W, C = x.shape
    for n in prange(N):
        share[n] = 0
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    share[n, c] += dy.dtype.type(1) if x[n, h, w, c] == y[n, c] else dy.dtype.type(0)
        for c in range(C):
            share[n, c] = dy[n, c] / share[n, c]
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    largest = dy.dtype.type(1) if x[n, h, w, c] == y[n, c] else dy.dtype.type(0)
                    dx[n, h, w, c] = largest * share[n, c]

"""Merging on the CPU: the common case, equal shapes, in parallel; broadcasting by NumPy into lent buffers."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels import workspace
from ...kernels.compile import kernel
from .vectorized import sum_to


def add_forward(xs, need_saved=True):
    return _fold(_add, np.add, xs), ([x.shape for x in xs] if need_saved else None)


def add_backward(dy, saved):
    return [sum_to(dy, shape) for shape in saved]


def multiply_forward(xs, need_saved=True):
    return _fold(_multiply, np.multiply, xs), (list(xs) if need_saved else None)


def multiply_backward(dy, saved):
    dxs = []
    for i, x in enumerate(saved):
        others = saved[:i] + saved[i + 1 :]
        dxs.append(sum_to(_fold(_multiply, np.multiply, [dy, *others]), x.shape))
    return dxs


def _fold(same_shape, broadcasting, xs):
    """xs combined from the left, two at a time, in a buffer of its own."""
    y = xs[0]
    for i, x in enumerate(xs[1:]):
        previous = y
        shape = previous.shape if previous.shape == x.shape else np.broadcast_shapes(previous.shape, x.shape)
        y = previous if i > 0 and previous.shape == shape else workspace.empty(shape, x.dtype)
        if previous.shape == x.shape:
            same_shape(previous.reshape(-1), x.reshape(-1), y.reshape(-1))
        else:
            broadcasting(previous, x, out=y)
    return y


@kernel(parallel=True)
def _add(a, b, y):
    for i in prange(a.size):
        y[i] = a[i] + b[i]


@kernel(parallel=True)
def _multiply(a, b, y):
    for i in prange(a.size):
        y[i] = a[i] * b[i]


def concatenate_forward(xs, axis=-1, need_saved=True):
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    y = workspace.empty(tuple(shape), xs[0].dtype)
    np.concatenate(xs, axis, out=y)
    return y, (([x.shape[axis] for x in xs], axis) if need_saved else None)


def concatenate_backward(dy, saved):
    sizes, axis = saved
    parts = []
    for part in np.split(dy, np.cumsum(sizes)[:-1], axis):
        dx = workspace.empty(part.shape, dy.dtype)
        dx[...] = part
        parts.append(dx)
    return parts

"""Reductions in NumPy: the definitions."""

from __future__ import annotations

import numpy as np


def sum_forward(x, need_saved=True):
    return x.sum(axis=1), (x.shape if need_saved else None)


def sum_backward(dy, saved):
    return np.broadcast_to(dy[:, None, :], saved).copy()


def mean_forward(x, need_saved=True):
    return x.mean(axis=1), (x.shape if need_saved else None)


def mean_backward(dy, saved):
    return sum_backward(dy / dy.dtype.type(saved[1]), saved)


def prod_forward(x, need_saved=True):
    return x.prod(axis=1), (x if need_saved else None)


def prod_backward(dy, saved):
    """The product of the others is that of those before times that of those behind: no division, which fails at 0."""
    before, behind = np.ones_like(saved), np.ones_like(saved)
    before[:, 1:] = np.cumprod(saved, axis=1)[:, :-1]
    behind[:, :-1] = np.cumprod(saved[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return dy[:, None, :] * before * behind


def max_forward(x, need_saved=True):
    y = x.max(axis=1)
    return y, ((x, y) if need_saved else None)


def max_backward(dy, saved):
    x, y = saved
    chosen = (x == y[:, None, :]).astype(x.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # a maximum of NaN equals nothing: its gradient is NaN
        return chosen * (dy / chosen.sum(axis=1))[:, None, :]


def min_forward(x, need_saved=True):
    y = x.min(axis=1)
    return y, ((x, y) if need_saved else None)


min_backward = max_backward


def argmax_forward(x, need_saved=True):
    return x.argmax(axis=1).astype(x.dtype), ((x.shape, x.dtype) if need_saved else None)


def argmax_backward(dy, saved):
    shape, dtype = saved
    return np.zeros(shape, dtype)


def argmin_forward(x, need_saved=True):
    return x.argmin(axis=1).astype(x.dtype), ((x.shape, x.dtype) if need_saved else None)


argmin_backward = argmax_backward

"""Merging in NumPy: the definitions."""

from __future__ import annotations

import math

import numpy as np


def add_forward(xs, need_saved=True):
    return sum(xs[1:], start=xs[0] + 0), ([x.shape for x in xs] if need_saved else None)


def add_backward(dy, saved):
    return [sum_to(dy, shape) for shape in saved]


def multiply_forward(xs, need_saved=True):
    return math.prod(xs[1:], start=xs[0] * 1), (list(xs) if need_saved else None)


def multiply_backward(dy, saved):
    others = (math.prod(saved[:i] + saved[i + 1 :], start=dy) for i in range(len(saved)))
    return [sum_to(dx, x.shape) for dx, x in zip(others, saved, strict=True)]


def sum_to(dy, shape):
    """dy summed over the axes along which an array of `shape` was broadcast to dy's shape."""
    if dy.shape == shape:
        return dy
    dy = dy.sum(axis=tuple(range(dy.ndim - len(shape))))
    return dy.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1), keepdims=True)


def concatenate_forward(xs, axis=-1, need_saved=True):
    return np.concatenate(xs, axis), (([x.shape[axis] for x in xs], axis) if need_saved else None)


def concatenate_backward(dy, saved):
    sizes, axis = saved
    return [np.ascontiguousarray(part) for part in np.split(dy, np.cumsum(sizes)[:-1], axis)]

"""Merging in NumPy: the definitions."""

from __future__ import annotations

import functools
import math

import numpy as np

from . import COMPARISONS


def add_forward(xs, need_saved=True):
    return sum(xs[1:], start=xs[0] + 0), ([x.shape for x in xs] if need_saved else None)


def add_backward(dy, saved):
    return [sum_to(dy, shape) for shape in saved]


def average_forward(xs, need_saved=True):
    y, saved = add_forward(xs, need_saved)
    return y / y.dtype.type(len(xs)), saved


def average_backward(dy, saved):
    return add_backward(dy / dy.dtype.type(len(saved)), saved)


def multiply_forward(xs, need_saved=True):
    return math.prod(xs[1:], start=xs[0] * 1), (list(xs) if need_saved else None)


def multiply_backward(dy, saved):
    others = (math.prod(saved[:i] + saved[i + 1 :], start=dy) for i in range(len(saved)))
    return [sum_to(dx, x.shape) for dx, x in zip(others, saved, strict=True)]


def subtract_forward(xs, need_saved=True):
    a, b = xs
    return a - b, ((a.shape, b.shape) if need_saved else None)


def subtract_backward(dy, saved):
    shape_a, shape_b = saved
    return [sum_to(dy, shape_a), sum_to(-dy, shape_b)]


def divide_forward(xs, need_saved=True):
    a, b = xs
    return a / b, ((a, b) if need_saved else None)


def divide_backward(dy, saved):
    a, b = saved
    return [sum_to(dy / b, a.shape), sum_to(-dy * a / (b * b), b.shape)]


def maximum_forward(xs, need_saved=True):
    y = functools.reduce(np.maximum, xs)
    return y, ((list(xs), y) if need_saved else None)


def minimum_forward(xs, need_saved=True):
    y = functools.reduce(np.minimum, xs)
    return y, ((list(xs), y) if need_saved else None)


def maximum_backward(dy, saved):
    """The first input that equals y takes the gradient; the next inputs get only what is left."""
    xs, y = saved
    dxs = []
    for x in xs:
        taken = np.where(x == y, dy, dy.dtype.type(0))
        dxs.append(sum_to(taken, x.shape))
        dy = dy - taken
    return dxs


minimum_backward = maximum_backward


def power_forward(xs, need_saved=True):
    a, b = xs
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.power(a, b)
    return y, ((a, b, y) if need_saved else None)


def power_backward(dy, saved):
    a, b, y = saved
    return [sum_to(base_gradient(dy, a, b), a.shape), sum_to(exponent_gradient(dy, a, y), b.shape)]


def base_gradient(dy, a, b):
    with np.errstate(invalid="ignore", divide="ignore"):
        return dy * b * np.power(a, b - 1)


def exponent_gradient(dy, a, y):
    """For a of zero and below, where the logarithm has no value, TensorFlow takes zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return dy * y * np.where(a > 0, np.log(a), a.dtype.type(0))


def keep_where_forward(xs, need_saved=True):
    x, condition = xs
    return kept(x, condition), ((x.shape, condition) if need_saved else None)


def keep_where_backward(dy, saved):
    shape, condition = saved
    return [sum_to(kept(dy, condition), shape), None]


def kept(x, condition):
    """x where the condition is not zero, else 0; what is left out may be infinite or NaN."""
    return np.where(condition != 0, x, x.dtype.type(0))


def _comparison(compare):
    def forward(xs, need_saved=True):
        a, b = xs
        return compare(a, b).astype(a.dtype), None

    def backward(dy, saved):
        return [None, None]

    return forward, backward


for _name in COMPARISONS:
    globals()[f"{_name}_forward"], globals()[f"{_name}_backward"] = _comparison(getattr(np, _name))


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

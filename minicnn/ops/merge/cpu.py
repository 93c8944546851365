"""Merging on the CPU: parallel kernels for equal shapes, the common case. NumPy broadcasts, compares, takes powers."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import THREADS, helper, kernel
from ...kernels.cpu.recording import do
from ...kernels.cpu.vector_loop import copy
from ...kernels.formulas import compiled
from . import COMPARISONS, formulas, vectorized

_formulas = compiled(formulas, helper)

_BLOCKS = 4 * THREADS  # the most blocks of rows; one task copies one block


def _pairwise(formula):
    """A kernel run(a, b, y) over flat arrays: y[i] = formula(a[i], b[i])."""

    @kernel(parallel=True)
    def run(a, b, y):
        for i in prange(a.size):
            y[i] = formula(a[i], b[i])

    return run


_add, _subtract = _pairwise(_formulas.add), _pairwise(_formulas.subtract)
_multiply, _divide = _pairwise(_formulas.multiply), _pairwise(_formulas.divide)
_maximum, _minimum = _pairwise(_formulas.maximum), _pairwise(_formulas.minimum)
_divisor_gradient = _pairwise(_formulas.divisor_gradient)


def _fold(same_shape, broadcasting, xs):
    """Combine xs from the left, two at a time, in a new buffer."""
    y = xs[0]
    for i, x in enumerate(xs[1:]):
        previous = y
        shape = previous.shape if previous.shape == x.shape else np.broadcast_shapes(previous.shape, x.shape)
        y = previous if i > 0 and previous.shape == shape else workspace.empty(shape, x.dtype)
        if previous.shape == x.shape:
            same_shape.for_work(x.size)(previous.reshape(-1), x.reshape(-1), y.reshape(-1))
        else:
            do(broadcasting, previous, x, out=y)
    return y


def _spread(x, shape):
    """x if it has this shape, else x broadcast to `shape` in a new buffer."""
    if x.shape == shape:
        return x
    y = workspace.empty(shape, x.dtype)
    do(np.copyto, y, x)
    return y


def _sum_to(x, shape):
    """x if it has this shape, else x summed over the axes along which an array of `shape` was broadcast."""
    if x.shape == shape:
        return x
    y = workspace.empty(shape, x.dtype)
    do(_put, y, vectorized.sum_to, x, shape)
    return y


def _put(out, function, *arguments):
    with np.errstate(all="ignore"):  # kernels do not warn either
        out[...] = function(*arguments)


def add_forward(xs, need_saved=True):
    return _fold(_add, np.add, xs), ([x.shape for x in xs] if need_saved else None)


def add_backward(dy, saved):
    return [_sum_to(dy, shape) for shape in saved]


def average_forward(xs, need_saved=True):
    y, saved = add_forward(xs, need_saved)
    _scale(y.reshape(-1), y.dtype.type(1 / len(xs)), y.reshape(-1))
    return y, saved


def average_backward(dy, saved):
    share = workspace.empty(dy.shape, dy.dtype)
    _scale(dy.reshape(-1), dy.dtype.type(1 / len(saved)), share.reshape(-1))
    return add_backward(share, saved)


@kernel(parallel=True)
def _scale(x, factor, y):
    for i in prange(x.size):
        y[i] = x[i] * factor


def multiply_forward(xs, need_saved=True):
    return _fold(_multiply, np.multiply, xs), (list(xs) if need_saved else None)


def multiply_backward(dy, saved):
    dxs = []
    for i, x in enumerate(saved):
        others = saved[:i] + saved[i + 1 :]
        dxs.append(_sum_to(_fold(_multiply, np.multiply, [dy, *others]), x.shape))
    return dxs


def subtract_forward(xs, need_saved=True):
    return _fold(_subtract, np.subtract, xs), ([x.shape for x in xs] if need_saved else None)


def subtract_backward(dy, saved):
    negative = workspace.empty(dy.shape, dy.dtype)
    _scale(dy.reshape(-1), dy.dtype.type(-1), negative.reshape(-1))
    return [_sum_to(dy, saved[0]), _sum_to(negative, saved[1])]


def divide_forward(xs, need_saved=True):
    return _fold(_divide, np.divide, xs), (list(xs) if need_saved else None)


def divide_backward(dy, saved):
    a, b = saved
    da, db = _fold(_divide, np.divide, [dy, b]), workspace.empty(dy.shape, dy.dtype)
    upstream_a = _fold(_multiply, np.multiply, [dy, a])
    _divisor_gradient(upstream_a.reshape(-1), _spread(b, dy.shape).reshape(-1), db.reshape(-1))
    return [_sum_to(da, a.shape), _sum_to(db, b.shape)]


def maximum_forward(xs, need_saved=True):
    y = _fold(_maximum, np.maximum, xs)
    return y, ((list(xs), y) if need_saved else None)


def minimum_forward(xs, need_saved=True):
    y = _fold(_minimum, np.minimum, xs)
    return y, ((list(xs), y) if need_saved else None)


def maximum_backward(dy, saved):
    xs, y = saved
    left = workspace.empty(dy.shape, dy.dtype)
    do(np.copyto, left, dy)
    dxs = []
    for x in xs:
        dx = workspace.empty(dy.shape, dy.dtype)
        _take_where_equal(_spread(x, dy.shape).reshape(-1), y.reshape(-1), left.reshape(-1), dx.reshape(-1))
        dxs.append(_sum_to(dx, x.shape))
    return dxs


minimum_backward = maximum_backward


@kernel(parallel=True)
def _take_where_equal(x, y, left, dx):
    """Where x equals y, dx takes the gradient that is left, and 0 is left for the next x. Elsewhere dx is 0."""
    for i in prange(x.size):
        if x[i] == y[i]:
            dx[i] = left[i]
            left[i] = 0
        else:
            dx[i] = 0


def power_forward(xs, need_saved=True):
    y = workspace.empty(np.broadcast_shapes(*(x.shape for x in xs)), xs[0].dtype)
    do(_put, y, np.power, *xs)
    return y, ((*xs, y) if need_saved else None)


def power_backward(dy, saved):
    a, b, y = saved
    da, db = workspace.empty(dy.shape, dy.dtype), workspace.empty(dy.shape, dy.dtype)
    do(_put, da, vectorized.base_gradient, dy, a, b)
    do(_put, db, vectorized.exponent_gradient, dy, a, y)
    return [_sum_to(da, a.shape), _sum_to(db, b.shape)]


def keep_where_forward(xs, need_saved=True):
    x, condition = xs
    return _kept(x, condition), ((x.shape, condition) if need_saved else None)


def keep_where_backward(dy, saved):
    shape, condition = saved
    return [_sum_to(_kept(dy, condition), shape), None]


def _kept(x, condition):
    y = workspace.empty(np.broadcast_shapes(x.shape, condition.shape), x.dtype)
    do(_put, y, vectorized.kept, x, condition)
    return y


def _comparison(compare):
    def forward(xs, need_saved=True):
        y = workspace.empty(np.broadcast_shapes(*(x.shape for x in xs)), xs[0].dtype)
        do(compare, *xs, out=y)
        return y, None

    def backward(dy, saved):
        return [None, None]

    return forward, backward


for _name in COMPARISONS:
    globals()[f"{_name}_forward"], globals()[f"{_name}_backward"] = _comparison(getattr(np, _name))


def concatenate_forward(xs, axis=-1, need_saved=True):
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    y = workspace.empty(tuple(shape), xs[0].dtype)
    place = 0
    for x in xs:
        _copy(x, 0, y, place, axis)
        place += x.shape[axis]
    return y, (([x.shape[axis] for x in xs], axis) if need_saved else None)


def concatenate_backward(dy, saved):
    sizes, axis = saved
    dxs, place = [], 0
    for size in sizes:
        shape = list(dy.shape)
        shape[axis] = size
        dx = workspace.empty(tuple(shape), dy.dtype)
        _copy(dy, place, dx, 0, axis)
        dxs.append(dx)
        place += size
    return dxs


def _copy(x, x_place, y, y_place, axis):
    """Copy the smaller of x and y along the axis, from `x_place` on, to `y_place` on."""
    axis %= x.ndim
    rows, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    x_row, y_row = x.shape[axis] * inner, y.shape[axis] * inner
    _copy_rows(x.reshape(-1), x_place * inner, x_row, y.reshape(-1), y_place * inner, y_row, rows, min(x_row, y_row))


@kernel(parallel=True)
def _copy_rows(x, x_start, x_row, y, y_start, y_row, rows, length):
    """y[y_start + i * y_row :] = x[x_start + i * x_row :], `length` numbers for each i < rows; few rows are cut.

    A task copies many rows. With one task per row, the work around the copy would cost more than a copy of 32 numbers.
    """
    cuts = 1 if rows >= THREADS else THREADS
    blocks = min(rows, _BLOCKS)
    for task in prange(blocks * cuts):
        block, cut = task // cuts, task % cuts
        first, end = cut * length // cuts, (cut + 1) * length // cuts
        for row in range(block * rows // blocks, (block + 1) * rows // blocks):
            copy(x, x_start + row * x_row + first, y, y_start + row * y_row + first, end - first)

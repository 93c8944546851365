"""Merging on the GPU. A table of indices first spreads broadcast inputs to the full shape."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import add, pick
from ...kernels.gpu.launch import device_function, gpu_kernel
from ...kernels.gpu.memory import remembered
from ...kernels.gpu.reductions import column_sums
from . import COMPARISONS, formulas

_formulas = compiled(formulas, device_function)


def _pairwise(formula):
    """A kernel run.over(n, a, b, y): y[i] = formula(a[i], b[i])."""

    @gpu_kernel()
    def run(a, b, y, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            y[i] = formula(a[i], b[i])

    return run


_subtract, _multiply, _divide = (_pairwise(f) for f in (_formulas.subtract, _formulas.multiply, _formulas.divide))
_maximum, _minimum = _pairwise(_formulas.maximum), _pairwise(_formulas.minimum)
_divisor_gradient = _pairwise(_formulas.divisor_gradient)
_keep_where, _exponent_slope = _pairwise(_formulas.keep_where), _pairwise(_formulas.exponent_slope)
_power = {4: _pairwise(_formulas.power), 8: _pairwise(_formulas.power_by_logarithm)}  # by the bytes of a number
_base_slope = {4: _pairwise(_formulas.base_slope), 8: _pairwise(_formulas.base_slope_by_logarithm)}


def _fold(kernel, xs):
    """Combine xs from the left, two at a time."""
    shape = np.broadcast_shapes(*(x.shape for x in xs))
    y = spread_to(xs[0], shape)
    for x in xs[1:]:
        total = arrays.empty(shape, x.dtype)
        kernel.over(total.size, y, spread_to(x, shape), total)
        y = total
    return y


def add_forward(xs, need_saved=True):
    return _fold(add, xs), ([x.shape for x in xs] if need_saved else None)


def add_backward(dy, saved):
    return [sum_to(dy, shape) for shape in saved]


def average_forward(xs, need_saved=True):
    y, saved = add_forward(xs, need_saved)
    return _scaled(y, 1 / len(xs)), saved


def average_backward(dy, saved):
    return add_backward(_scaled(dy, 1 / len(saved)), saved)


def _scaled(x, factor):
    y = arrays.empty(x.shape, x.dtype)
    _scale.over(x.size, x, x.dtype.type(factor), y)
    return y


@gpu_kernel()
def _scale(x, factor, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] * factor


def multiply_forward(xs, need_saved=True):
    return _fold(_multiply, xs), (list(xs) if need_saved else None)


def multiply_backward(dy, saved):
    dxs = []
    for i, x in enumerate(saved):
        others = saved[:i] + saved[i + 1 :]
        dxs.append(sum_to(_fold(_multiply, [dy, *others]), x.shape))
    return dxs


def subtract_forward(xs, need_saved=True):
    return _fold(_subtract, xs), ([x.shape for x in xs] if need_saved else None)


def subtract_backward(dy, saved):
    return [sum_to(dy, saved[0]), sum_to(_scaled(dy, -1), saved[1])]


def divide_forward(xs, need_saved=True):
    return _fold(_divide, xs), (list(xs) if need_saved else None)


def divide_backward(dy, saved):
    a, b = saved
    da, db = _fold(_divide, [dy, b]), _fold(_divisor_gradient, [_fold(_multiply, [dy, a]), b])
    return [sum_to(da, a.shape), sum_to(db, b.shape)]


def maximum_forward(xs, need_saved=True):
    y = _fold(_maximum, xs)
    return y, ((list(xs), y) if need_saved else None)


def minimum_forward(xs, need_saved=True):
    y = _fold(_minimum, xs)
    return y, ((list(xs), y) if need_saved else None)


def maximum_backward(dy, saved):
    xs, y = saved
    left, dxs = _scaled(dy, 1), []
    for x in xs:
        dx = arrays.empty(dy.shape, dy.dtype)
        _take_where_equal.over(dy.size, spread_to(x, dy.shape), y, left, dy.dtype.type(0), dx)
        dxs.append(sum_to(dx, x.shape))
    return dxs


minimum_backward = maximum_backward


@gpu_kernel()
def _take_where_equal(x, y, left, zero, dx, n):
    """Where x equals y, dx takes the gradient that is left, and 0 is left for the next x. Elsewhere dx is 0."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        if x[i] == y[i]:
            dx[i] = left[i]
            left[i] = zero
        else:
            dx[i] = zero


def power_forward(xs, need_saved=True):
    y = _fold(_power[xs[0].dtype.itemsize], xs)
    return y, ((*xs, y) if need_saved else None)


def power_backward(dy, saved):
    a, b, y = saved
    da = _fold(_multiply, [dy, _fold(_base_slope[dy.dtype.itemsize], [a, b])])
    db = _fold(_multiply, [dy, _fold(_exponent_slope, [a, y])])
    return [sum_to(da, a.shape), sum_to(db, b.shape)]


def keep_where_forward(xs, need_saved=True):
    x, condition = xs
    return _fold(_keep_where, xs), ((x.shape, condition) if need_saved else None)


def keep_where_backward(dy, saved):
    shape, condition = saved
    return [sum_to(_fold(_keep_where, [dy, condition]), shape), None]


def _comparison(compare):
    def forward(xs, need_saved=True):
        return _fold(compare, xs), None

    def backward(dy, saved):
        return [None, None]

    return forward, backward


for _name in COMPARISONS:
    globals()[f"{_name}_forward"], globals()[f"{_name}_backward"] = _comparison(_pairwise(getattr(_formulas, _name)))


def spread_to(x, shape):
    """x broadcast to a shape."""
    if x.shape == shape:
        return x
    y = arrays.empty(shape, x.dtype)
    pick.over(y.size, x, _sources(x.shape, shape), y)
    return y


@remembered
def _sources(small, large):
    """For each number of an array of shape `large`, its index in the array of shape `small` that is broadcast."""
    places = np.broadcast_to(np.arange(math.prod(small), dtype=np.int32).reshape(small), large)
    return arrays.upload(np.ascontiguousarray(places))


def sum_to(dy, shape):
    """dy summed over the axes along which an array of `shape` was broadcast to dy's shape."""
    if dy.shape == tuple(shape):
        return dy
    order, summed = _sums_first(tuple(shape), dy.shape)
    columns = arrays.empty(dy.shape, dy.dtype)
    pick.over(dy.size, dy, order, columns)
    return column_sums(columns, summed, dy.size // summed).reshape(shape)


@remembered
def _sums_first(small, large):
    """(the indices of an array of shape `large`, with the axes to sum moved to the front; the numbers in each sum)."""
    small = (1,) * (len(large) - len(small)) + small
    summed = [axis for axis, (s, l) in enumerate(zip(small, large, strict=True)) if s == 1 and l != 1]
    kept = [axis for axis in range(len(large)) if axis not in summed]
    places = np.arange(math.prod(large), dtype=np.int32).reshape(large).transpose(*summed, *kept)
    return arrays.upload(np.ascontiguousarray(places)), math.prod(large[axis] for axis in summed)


def concatenate_forward(xs, axis=-1, need_saved=True):
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    y = arrays.empty(tuple(shape), xs[0].dtype)
    inner = math.prod(shape[axis:]) if axis >= 0 else math.prod(shape[axis % len(shape) :])
    start = 0
    for x in xs:
        width = inner // shape[axis] * x.shape[axis]
        _put.over(x.size, x, width, inner, start, y)
        start += width
    return y, (([x.shape for x in xs], axis) if need_saved else None)


@gpu_kernel()
def _put(x, width, inner, start, y, n):
    """Copy each run of `width` numbers of x into a run of `inner` numbers of y, `start` numbers after its beginning."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i // width * inner + start + i % width] = x[i]


def concatenate_backward(dy, saved):
    shapes, axis = saved
    inner = math.prod(dy.shape[axis % dy.ndim :])
    parts, start = [], 0
    for shape in shapes:
        dx = arrays.empty(shape, dy.dtype)
        width = inner // dy.shape[axis] * shape[axis]
        _take.over(dx.size, dy, width, inner, start, dx)
        parts.append(dx)
        start += width
    return parts


@gpu_kernel()
def _take(dy, width, inner, start, dx, n):
    """Copy the same runs back, from dy into dx."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        dx[i] = dy[i // width * inner + start + i % width]

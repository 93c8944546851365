"""Reductions on the GPU: a thread for each output; neighbouring threads take neighbouring columns."""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ...kernels.gpu.reductions import column_sums


def sum_forward(x, need_saved=True):
    return _scaled_sum(x, 1), (x.shape if need_saved else None)


def mean_forward(x, need_saved=True):
    return _scaled_sum(x, x.shape[1]), (x.shape if need_saved else None)


def _scaled_sum(x, divisor):
    A, R, B = x.shape
    y = arrays.empty((A, B), x.dtype)
    if A == 1:  # few outputs and many numbers: the sums are cut into pieces
        _divide.over(B, column_sums(x, R, B), x.dtype.type(divisor), y)
    else:
        _sum.over(A * B, x, R, B, x.dtype.type(0), x.dtype.type(divisor), y)
    return y


@gpu_kernel()
def _divide(x, divisor, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] / divisor


@gpu_kernel()
def _sum(x, R, B, zero, divisor, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, total = place // B * R * B + place % B, zero
        for r in range(R):
            total += x[start + r * B]
        y[place] = total / divisor


def sum_backward(dy, saved):
    return _spread(dy, saved, 1)


def mean_backward(dy, saved):
    return _spread(dy, saved, saved[1])


def _spread(dy, shape, divisor):
    dx = arrays.empty(shape, dy.dtype)
    _spread_rows.over(dx.size, dy, shape[1], shape[2], dy.dtype.type(divisor), dx)
    return dx


@gpu_kernel()
def _spread_rows(dy, R, B, divisor, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        dx[place] = dy[place // B // R * B + place % B] / divisor


def prod_forward(x, need_saved=True):
    A, R, B = x.shape
    y = arrays.empty((A, B), x.dtype)
    _product.over(A * B, x, R, B, x.dtype.type(1), y)
    return y, (x if need_saved else None)


@gpu_kernel()
def _product(x, R, B, one, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, total = place // B * R * B + place % B, one
        for r in range(R):
            total *= x[start + r * B]
        y[place] = total


def prod_backward(dy, saved):
    _, R, B = saved.shape
    dx = arrays.empty(saved.shape, dy.dtype)
    _product_gradient.over(dx.size, dy, saved, R, B, dx)
    return dx


@gpu_kernel()
def _product_gradient(dy, x, R, B, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        a, r, b = place // B // R, place // B % R, place % B
        others = dy[a * B + b]
        for other in range(R):
            if other != r:
                others *= x[(a * R + other) * B + b]
        dx[place] = others


def _extreme(smallest):
    def forward(x, need_saved=True):
        A, R, B = x.shape
        y, where = arrays.empty((A, B), x.dtype), arrays.empty((A, B), x.dtype)
        _find.over(A * B, x, R, B, smallest, y, where)
        return y, ((x, y) if need_saved else None)

    def place_forward(x, need_saved=True):
        A, R, B = x.shape
        y, where = arrays.empty((A, B), x.dtype), arrays.empty((A, B), x.dtype)
        _find.over(A * B, x, R, B, smallest, y, where)
        return where, (x.shape if need_saved else None)

    return forward, place_forward


@gpu_kernel()
def _find(x, R, B, smallest, y, where, n):
    """y = the largest (smallest) number, where = its place; NaN counts as largest and smallest, the first of equals
    wins."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, best, at = place // B * R * B + place % B, x[place // B * R * B + place % B], 0
        for r in range(1, R):
            value = x[start + r * B]
            better = value < best if smallest else value > best
            if better or (value != value and best == best):
                best, at = value, r
        y[place] = best
        where[place] = at


max_forward, argmax_forward = _extreme(False)
min_forward, argmin_forward = _extreme(True)


def max_backward(dy, saved):
    x, y = saved
    A, R, B = x.shape
    dx = arrays.empty(x.shape, dy.dtype)
    _share.over(A * B, dy, x, y, R, B, dy.dtype.type(0), dy.dtype.type(1), dx)
    return dx


min_backward = max_backward


@gpu_kernel()
def _share(dy, x, y, R, B, zero, one, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, chosen, count = place // B * R * B + place % B, y[place], zero
        for r in range(R):
            count += one if x[start + r * B] == chosen else zero
        share = dy[place] / count
        for r in range(R):
            dx[start + r * B] = (one if x[start + r * B] == chosen else zero) * share


def argmax_backward(dy, saved):
    dx = arrays.empty(saved, dy.dtype)
    _zero.over(dx.size, dy.dtype.type(0), dx)
    return dx


argmin_backward = argmax_backward


@gpu_kernel()
def _zero(zero, dx, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        dx[i] = zero

"""Constraints on the GPU: `sum_to` of `ops/merge` sums the squares, then one pass scales the weights."""

from __future__ import annotations

import math

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ..merge.gpu import spread_to, sum_to


def non_negative(w):
    _non_negative.over(w.size, w, w.dtype.type(0))


@gpu_kernel()
def _non_negative(w, zero, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        if w[i] < 0:
            w[i] = zero


def limit_norm(w, axes, least, most, rate=1.0, epsilon=1e-7):
    scalar = w.dtype.type
    squares = arrays.empty(w.shape, w.dtype)
    _square.over(w.size, w, squares)
    sums = sum_to(squares, tuple(1 if axis in axes else size for axis, size in enumerate(w.shape)))
    factors = arrays.empty(sums.shape, w.dtype)
    _factor.over(sums.size, sums, scalar(least), scalar(most), scalar(rate), scalar(1 - rate), scalar(epsilon), factors)
    _scale.over(w.size, w, spread_to(factors, w.shape))


@gpu_kernel()
def _square(w, squares, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        squares[i] = w[i] * w[i]


@gpu_kernel()
def _factor(sums, least, most, rate, one_minus_rate, epsilon, factors, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        norm = math.sqrt(sums[i])
        limited = least if norm < least else (most if norm > most else norm)
        factors[i] = (rate * limited + one_minus_rate * norm) / (epsilon + norm)


@gpu_kernel()
def _scale(w, factors, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] *= factors[i]

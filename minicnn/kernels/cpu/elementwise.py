"""Make parallel kernels from a function of one number: the loop is always the same, only the formula differs."""

from __future__ import annotations

from numba import prange

from .compile import kernel


def elementwise(function):
    """A kernel run(x, parameter, y) over flat arrays: y[i] = function(x[i], parameter)."""

    @kernel(parallel=True)
    def run(x, parameter, y):
        number = x.dtype.type(parameter)
        for i in prange(x.size):
            y[i] = function(x[i], number)

    return run


def elementwise_gradient(derivative):
    """A kernel run(dy, x, y, parameter, dx) over flat arrays: dx[i] = derivative(dy[i], x[i], y[i], parameter)."""

    @kernel(parallel=True)
    def run(dy, x, y, parameter, dx):
        number = x.dtype.type(parameter)
        for i in prange(x.size):
            dx[i] = derivative(dy[i], x[i], y[i], number)

    return run

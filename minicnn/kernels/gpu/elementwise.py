"""Make GPU kernels from a function of one number: the loop is always the same, only the formula differs.

Memory is the limit here: a GPU multiplies dozens of numbers in the time that it takes to load one. So two things
matter. Neighbouring threads take neighbouring numbers, so that a warp's 32 loads are one access. Formulas are fused, so
that every number is read once and written once.
"""

from __future__ import annotations

from numba import cuda

from . import arrays
from .arrays import DeviceArray
from .launch import gpu_kernel


def elementwise(function):
    """A kernel run.over(n, x, parameter, y): y[i] = function(x[i], parameter)."""

    @gpu_kernel()
    def run(x, parameter, y, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            y[i] = function(x[i], parameter)

    return run


def elementwise_gradient(derivative):
    """A kernel run.over(n, dy, x, y, parameter, dx): dx[i] = derivative(dy[i], x[i], y[i], parameter)."""

    @gpu_kernel()
    def run(dy, x, y, parameter, dx, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            dx[i] = derivative(dy[i], x[i], y[i], parameter)

    return run


@gpu_kernel()
def fill(y, value, n):
    """y[i] = value."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = value


@gpu_kernel()
def copy(x, y, n):
    """y[i] = x[i], in y's type."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i]


def number_there(value, dtype):
    """A number in the GPU's memory, for kernels that read it there: `value` itself if it is there, else a copy."""
    if isinstance(value, DeviceArray):
        return value
    there = arrays.empty((1,), dtype)
    fill.over(1, there, there.dtype.type(value))
    return there


@gpu_kernel()
def add(a, b, y, n):
    """y[i] = a[i] + b[i]."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = a[i] + b[i]


@gpu_kernel()
def pick(x, index, y, n):
    """y[i] = x[index[i]]: numbers in another order."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[index[i]]


def through_relu(dy, y):
    """dz = dy where y > 0, else 0: the gradient of a ReLU's input, from its output y and the output's gradient dy."""
    dz = arrays.empty(dy.shape, dy.dtype)
    _through_relu.over(dy.size, dy, y, dy.dtype.type(0), dz)
    return dz


@gpu_kernel()
def _through_relu(dy, y, zero, dz, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        dz[i] = dy[i] if y[i] > 0 else zero

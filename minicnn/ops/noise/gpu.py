"""Noise on the GPU: random numbers are drawn and used in registers; none of them is stored."""

from __future__ import annotations

import numpy as np
from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import number_there
from ...kernels.gpu.launch import device_function, gpu_kernel
from ...kernels.random import random_bits, threshold
from ..dropout.gpu import noise_places
from . import formulas
from .vectorized import LOW, added_backward, alpha_factors

__all__ = [
    "added_backward", "added_forward", "alpha_backward", "alpha_forward", "multiplied_backward", "multiplied_forward",
]  # fmt: skip

_bits, _normal = device_function(random_bits), compiled(formulas, device_function).normal


def added_forward(x, stddev, key, need_saved=True):
    return _run(_add, x, key, stddev), None


def multiplied_forward(x, stddev, key, need_saved=True):
    return _run(_multiply, x, key, stddev), ((stddev, key) if need_saved else None)


def multiplied_backward(dy, saved, need_dx=True):
    stddev, key = saved
    return _run(_multiply, dy, key, stddev) if need_dx else None


def _run(kernel, x, key, stddev):
    y = arrays.empty(x.shape, x.dtype)
    kernel.over(x.size, x, number_there(key, np.uint64), x.dtype.type(stddev), x.dtype.type(1), y)
    return y


@gpu_kernel()
def _add(x, key, stddev, one, y, n):
    stream = key[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] + stddev * _normal(_bits(stream, np.uint64(i)), one)


@gpu_kernel()
def _multiply(x, key, stddev, one, y, n):
    stream = key[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] + x[i] * stddev * _normal(_bits(stream, np.uint64(i)), one)


def alpha_forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    a, b = alpha_factors(rate)
    return _drop_to(x, rate, key, noise_shape, a, a * LOW, b), ((rate, key, noise_shape) if need_saved else None)


def alpha_backward(dy, saved, need_dx=True):
    return _drop_to(dy, *saved, alpha_factors(saved[0])[0], 0, 0) if need_dx else None


def _drop_to(x, rate, key, noise_shape, a, dropped, b):
    y, key, scalar = arrays.empty(x.shape, x.dtype), number_there(key, np.uint64), x.dtype.type
    places = noise_places(tuple(noise_shape), x.shape)
    _alpha.over(x.size, x, places, key, threshold(rate), scalar(a), scalar(dropped), scalar(b), y)
    return y


@gpu_kernel()
def _alpha(x, places, key, least, a, dropped, b, y, n):
    """y = a * x + b where x is kept, dropped + b elsewhere; x[i] takes the random number of index places[i]."""
    stream = key[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = (a * x[i] if _bits(stream, np.uint64(places[i])) >= least else dropped) + b

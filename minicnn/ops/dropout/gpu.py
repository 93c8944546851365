"""Dropout on the GPU: random numbers are drawn, compared and used in registers; no mask is stored."""

from __future__ import annotations

import numpy as np
from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import number_there
from ...kernels.gpu.launch import device_function, gpu_kernel
from ...kernels.gpu.memory import remembered
from ...kernels.random import random_bits, threshold
from .vectorized import growth

_bits = device_function(random_bits)


def forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    return _apply(x, rate, key, noise_shape), ((rate, key, noise_shape) if need_saved else None)


def backward(dy, saved, need_dx=True):
    return _apply(dy, *saved) if need_dx else None


def _apply(x, rate, key, noise_shape):
    y, key = arrays.empty(x.shape, x.dtype), number_there(key, np.uint64)
    scalar = x.dtype.type
    if noise_shape == x.shape:
        _drop.over(x.size, x, key, threshold(rate), scalar(growth(rate)), scalar(0), y)
    else:
        places = noise_places(tuple(noise_shape), x.shape)
        _drop_together.over(x.size, x, places, key, threshold(rate), scalar(growth(rate)), scalar(0), y)
    return y


@gpu_kernel()
def _drop(x, key, least, scale, zero, y, n):
    stream = key[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] * (scale if _bits(stream, np.uint64(i)) >= least else zero)


@gpu_kernel()
def _drop_together(x, places, key, least, scale, zero, y, n):
    """Like `_drop`, but x[i] takes the random number of index places[i]."""
    stream = key[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i] * (scale if _bits(stream, np.uint64(places[i])) >= least else zero)


@remembered
def noise_places(noise_shape, shape):
    """For each number of an array of `shape`, the index of its random number in a mask of `noise_shape`."""
    places = np.arange(int(np.prod(noise_shape)), dtype=np.int32).reshape(noise_shape)
    return arrays.upload(np.ascontiguousarray(np.broadcast_to(places, shape)))

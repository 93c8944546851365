"""Dropout in Numba: random numbers are drawn, compared and used in registers; only a noise_shape needs a mask."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper, kernel
from ...kernels.cpu.recording import do, number_there
from ...kernels.random import random_bits, threshold
from .vectorized import growth

_bits = helper(random_bits)


def forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    return _apply(x, rate, key, noise_shape), ((rate, key, noise_shape) if need_saved else None)


def backward(dy, saved, need_dx=True):
    return _apply(dy, *saved) if need_dx else None


def _apply(x, rate, key, noise_shape):
    y, key = workspace.empty(x.shape, x.dtype), number_there(key, np.uint64)
    if noise_shape == x.shape:
        _drop(x.reshape(-1), key, threshold(rate), growth(rate), y.reshape(-1))
    else:
        scale = workspace.empty(noise_shape, x.dtype)
        do(scale.fill, 1)
        _drop(scale.reshape(-1), key, threshold(rate), growth(rate), scale.reshape(-1))
        do(np.multiply, x, scale, out=y)
    return y


@kernel(parallel=True)
def _drop(x, key, least, scale, y):
    grown, stream = x.dtype.type(scale), key[0]
    for i in prange(x.size):
        y[i] = x[i] * (grown if _bits(stream, np.uint64(i)) >= least else x.dtype.type(0))

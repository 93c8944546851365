"""Noise in Numba: random numbers are drawn and used in registers; only alpha dropout with a noise_shape has a mask."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper, kernel
from ...kernels.cpu.recording import number_there, refuse
from ...kernels.formulas import compiled
from ...kernels.random import random_bits, threshold
from . import formulas
from .vectorized import LOW, added_backward, alpha_factors

__all__ = [
    "added_backward", "added_forward", "alpha_backward", "alpha_forward", "multiplied_backward", "multiplied_forward",
]  # fmt: skip

_bits, _normal = helper(random_bits), compiled(formulas, helper).normal


def added_forward(x, stddev, key, need_saved=True):
    return _run(_add, x, key, stddev), None


def multiplied_forward(x, stddev, key, need_saved=True):
    return _run(_multiply, x, key, stddev), ((stddev, key) if need_saved else None)


def multiplied_backward(dy, saved, need_dx=True):
    stddev, key = saved
    return _run(_multiply, dy, key, stddev) if need_dx else None


def _run(run, x, key, stddev):
    y, key = workspace.empty(x.shape, x.dtype), number_there(key, np.uint64)
    run(x.reshape(-1), key, x.dtype.type(stddev), y.reshape(-1))
    return y


@kernel(parallel=True)
def _add(x, key, stddev, y):
    stream = key[0]
    for i in prange(x.size):
        y[i] = x[i] + stddev * _normal(_bits(stream, np.uint64(i)), x.dtype.type(1))


@kernel(parallel=True)
def _multiply(x, key, stddev, y):
    stream = key[0]
    for i in prange(x.size):
        y[i] = x[i] * (x.dtype.type(1) + stddev * _normal(_bits(stream, np.uint64(i)), x.dtype.type(1)))


def alpha_forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    (a, b), stream = alpha_factors(rate), number_there(key, np.uint64)
    y = workspace.empty(x.shape, x.dtype)
    if noise_shape == x.shape:
        scalar = x.dtype.type
        _alpha(x.reshape(-1), stream, threshold(rate), scalar(a), scalar(a * LOW), scalar(b), y.reshape(-1))
    else:
        refuse()
        kept = _kept(x.dtype, rate, stream, noise_shape)
        np.multiply(x, kept * x.dtype.type(a), out=y)
        y += (1 - kept) * x.dtype.type(a * LOW) + x.dtype.type(b)
    return y, ((rate, key, noise_shape) if need_saved else None)


def alpha_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    rate, key, noise_shape = saved
    (a, _), stream = alpha_factors(rate), number_there(key, np.uint64)
    dx, scalar = workspace.empty(dy.shape, dy.dtype), dy.dtype.type
    if noise_shape == dy.shape:
        _alpha(dy.reshape(-1), stream, threshold(rate), scalar(a), scalar(0), scalar(0), dx.reshape(-1))
    else:
        refuse()
        np.multiply(dy, _kept(dy.dtype, rate, stream, noise_shape) * scalar(a), out=dx)
    return dx


def _kept(dtype, rate, key, shape):
    """1 where a number is kept, else 0."""
    kept = np.ones(shape, dtype)
    flat = kept.reshape(-1)
    _alpha(flat, key, threshold(rate), dtype.type(1), dtype.type(0), dtype.type(0), flat)
    return kept


@kernel(parallel=True)
def _alpha(x, key, least, a, dropped, b, y):
    """y = a * x + b where x is kept, dropped + b elsewhere."""
    stream = key[0]
    for i in prange(x.size):
        y[i] = (a * x[i] if _bits(stream, np.uint64(i)) >= least else dropped) + b

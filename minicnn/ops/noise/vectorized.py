"""Noise in NumPy: the definitions."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.random import random_bits, threshold
from .formulas import CENTRE, FAR_OUT

LOW = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
"""The limit of selu for x to minus infinity: -alpha * scale."""


def added_forward(x, stddev, key, need_saved=True):
    return x + x.dtype.type(stddev) * _normal(key, x), None


def added_backward(dy, saved, need_dx=True):
    return dy if need_dx else None


def multiplied_forward(x, stddev, key, need_saved=True):
    return _multiplied(x, stddev, key), ((stddev, key) if need_saved else None)


def multiplied_backward(dy, saved, need_dx=True):
    return _multiplied(dy, *saved) if need_dx else None


def _multiplied(x, stddev, key):
    return x * (1 + x.dtype.type(stddev) * _normal(key, x))


def _normal(key, x):
    """A normally distributed number for each number of x, in x's shape and type; see `formulas.py`."""
    bits = random_bits(key, np.arange(x.size, dtype=np.uint64))
    u = ((bits >> np.uint64(8)).astype(np.int64) * 2 + 1 - 2**24).astype(x.dtype) * x.dtype.type(2.0**-24)
    w = -np.log((1 - u) * (1 + u))
    centre = np.polyval(np.array(CENTRE, x.dtype), w - x.dtype.type(2.5))
    far_out = np.polyval(np.array(FAR_OUT, x.dtype), np.sqrt(w) - x.dtype.type(3))
    return (x.dtype.type(math.sqrt(2)) * np.where(w < 5, centre, far_out) * u).reshape(x.shape)


def alpha_forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    a, b = alpha_factors(rate)
    kept = _kept(rate, key, noise_shape)
    y = (a * np.where(kept, x, LOW) + b).astype(x.dtype)
    return y, ((rate, key, noise_shape) if need_saved else None)


def alpha_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    return (dy * (alpha_factors(saved[0])[0] * _kept(*saved))).astype(dy.dtype)


def alpha_factors(rate):
    """(a, b) of alpha dropout."""
    a = ((1 - rate) * (1 + rate * LOW**2)) ** -0.5
    return a, -a * LOW * rate


def _kept(rate, key, shape):
    index = np.arange(math.prod(shape), dtype=np.uint64)
    return (random_bits(key, index) >= threshold(rate)).reshape(shape)

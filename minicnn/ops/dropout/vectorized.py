"""Dropout in NumPy: the definition."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.random import random_bits, threshold


def forward(x, rate, key, noise_shape=None, need_saved=True):
    noise_shape = x.shape if noise_shape is None else noise_shape
    return x * _scale(rate, key, noise_shape, x.dtype), ((rate, key, noise_shape) if need_saved else None)


def backward(dy, saved, need_dx=True):
    return dy * _scale(*saved, dy.dtype) if need_dx else None


def _scale(rate, key, shape, dtype):
    """1 / (1 - rate) where a number is kept, else 0."""
    index = np.arange(math.prod(shape), dtype=np.uint64)
    kept = random_bits(key, index) >= threshold(rate)
    return (kept * growth(rate)).astype(dtype).reshape(shape)


def growth(rate):
    """The factor of the kept numbers; at rate 1 no number is kept."""
    return 1 / (1 - rate) if rate < 1 else 0.0

"""Contrast and brightness in NumPy: the definitions."""

from __future__ import annotations

import numpy as np


def contrast_forward(x, factors, low, high, need_saved=True):
    f = factors[:, None, None, None]
    mean = x.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(x.dtype)
    y = (x - mean) * f + mean
    return np.clip(y, low, high), ((factors, _free(y, low, high)) if need_saved else None)


def contrast_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    factors, free = saved
    f, g = factors[:, None, None, None], np.where(free, dy, 0)
    return f * g + (1 - f) * g.mean(axis=(1, 2), keepdims=True)


def brightness_forward(x, deltas, low, high, need_saved=True):
    y = x + deltas[:, None, None, None]
    return np.clip(y, low, high), (_free(y, low, high) if need_saved else None)


def brightness_backward(dy, saved, need_dx=True):
    return np.where(saved, dy, 0).astype(dy.dtype) if need_dx else None


def _free(y, low, high):
    """True where y was not clipped."""
    return (y >= low) & (y <= high)

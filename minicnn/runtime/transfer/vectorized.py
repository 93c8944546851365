"""Arrays on the host: nothing moves, unless an array is still in a GPU's memory because of another backend."""

from __future__ import annotations

import numpy as np


def to_device(x):
    return to_host(x)


def to_host(x):
    return x if isinstance(x, np.ndarray) else x.to_host()


def assign(x, values):
    if isinstance(x, np.ndarray):
        x[...] = values
    else:
        x.fill_from(values)


def number(next_one, dtype):
    return next_one()


def clear():
    pass


def full_like(x, value):
    return np.full(x.shape, value, x.dtype)

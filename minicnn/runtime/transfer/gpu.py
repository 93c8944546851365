"""Arrays in the GPU's memory, see `kernels/gpu/device.py`. Small ones, as a batch's targets, go up beside the
computing."""

from __future__ import annotations

import numpy as np

from ...kernels.gpu import device
from ...kernels.gpu.elementwise import copy, fill, number_there
from .vectorized import assign, to_host

__all__ = ["assign", "clear", "full_like", "here", "number", "to_host"]

_SMALL = 1 << 20  # bytes


def here(x):
    if not isinstance(x, np.ndarray):
        return x
    if x.nbytes > _SMALL or x.size == 0:
        return device.upload(x)
    y = device.empty(x.shape, x.dtype)

    def write(host):
        host[...] = x

    device.stage(x.shape, x.dtype, write, lambda there: copy.over(x.size, there, y))
    return y


def number(next_one, dtype):
    recording = device.recording()
    return recording.new_number(next_one, dtype) if recording else number_there(next_one(), dtype)


def clear():
    device.clear()


def full_like(x, value):
    y = device.empty(x.shape, x.dtype)
    fill.over(y.size, y, y.dtype.type(value))
    return y

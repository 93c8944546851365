"""Arrays in the GPU's memory, see `kernels/gpu/arrays.py`. Small arrays, such as a batch's targets, are sent to the GPU
while it computes."""

from __future__ import annotations

import numpy as np

from ...kernels.gpu import arrays, memory
from ...kernels.gpu.elementwise import copy, fill, number_there
from ...kernels.gpu.recording import recording
from ...kernels.gpu.stages import stage
from .vectorized import assign, to_host

__all__ = ["assign", "clear", "full_like", "number", "to_device", "to_host"]

_SMALL = 1 << 20  # bytes


def to_device(x):
    if not isinstance(x, np.ndarray):
        return x
    if x.nbytes > _SMALL or x.size == 0:
        return arrays.upload(x)
    y = arrays.empty(x.shape, x.dtype)

    def write(host):
        host[...] = x

    stage(x.shape, x.dtype, write, lambda there: copy.over(x.size, there, y))
    return y


def number(next_one, dtype):
    graph = recording()
    return graph.new_number(next_one, dtype) if graph else number_there(next_one(), dtype)


def clear():
    memory.clear()


def full_like(x, value):
    y = arrays.empty(x.shape, x.dtype)
    fill.over(y.size, y, y.dtype.type(value))
    return y

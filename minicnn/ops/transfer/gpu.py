"""Arrays in the GPU's memory, see `kernels/device.py`. Small ones, as a batch's targets, go up beside the computing."""

from __future__ import annotations

import numpy as np
from numba import cuda

from ...kernels import device
from ...kernels.gpu_elementwise import fill
from ...kernels.gpu_launch import gpu_kernel
from .vectorized import assign, to_host

__all__ = ["assign", "clear", "here", "to_host", "zeros_like"]

_SMALL = 1 << 20  # bytes


def here(x):
    if not isinstance(x, np.ndarray):
        return x
    if x.nbytes > _SMALL or x.size == 0:
        return device.upload(x)
    y = device.empty(x.shape, x.dtype)

    def write(host):
        host[...] = x

    device.stage(x.shape, x.dtype, write, lambda there: _copy.over(x.size, there, y))
    return y


@gpu_kernel()
def _copy(x, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i]


def clear():
    device.clear()


def zeros_like(x):
    y = device.empty(x.shape, x.dtype)
    fill.over(y.size, y, y.dtype.type(0))
    return y

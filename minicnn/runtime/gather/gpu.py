"""Gather and cast for the GPU. The host copies the chosen rows into page-locked memory. They are sent to the GPU while
it computes, and the GPU casts them. Pixels of one byte are sent as one byte.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ...kernels.gpu.stages import stage

_CAST_THERE = frozenset(np.dtype(name) for name in ("uint8", "int32", "int64", "float32", "float64"))


def forward(x, index, dtype):
    count = len(range(*index.indices(len(x)))) if isinstance(index, slice) else len(index)
    y = arrays.empty((count, *x.shape[1:]), dtype)
    if y.size == 0:
        return y

    def write(host):
        if isinstance(index, slice) or x.dtype != host.dtype:
            host[...] = x[index]
        else:
            np.take(x, index, 0, out=host, mode="clip")  # mode="raise" would make a copy first

    def read(there):
        _cast.over(math.prod(y.shape), there, y)

    stage(y.shape, x.dtype if x.dtype in _CAST_THERE else y.dtype, write, read)
    return y


@gpu_kernel()
def _cast(x, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        y[i] = x[i]

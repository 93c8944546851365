"""Rearranging on the GPU: a thread for each number that is written."""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ...kernels.gpu.memory import remembered


def forward(x, table, fill=0.0, need_saved=True):
    y = arrays.empty((len(x), table.index.size), x.dtype)
    _take.over(y.size, x, table.K, _index(table), table.index.size, x.dtype.type(fill), y)
    return y, (table if need_saved else None)


@remembered
def _index(table):
    return arrays.upload(table.index)


@gpu_kernel()
def _take(x, K, index, M, fill, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        source = index[place % M]
        y[place] = x[place // M * K + source] if source >= 0 else fill


def backward(dy, saved):
    dx = arrays.empty((len(dy), saved.K), dy.dtype)
    starts, copies = _inverse(saved)
    _add_copies.over(dx.size, dy, saved.index.size, starts, copies, saved.K, dy.dtype.type(0), dx)
    return dx


@remembered
def _inverse(table):
    return tuple(arrays.upload(part) for part in table.inverse)


@gpu_kernel()
def _add_copies(dy, M, starts, copies, K, zero, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, j, total = place // K, place % K, zero
        for copy in range(starts[j], starts[j + 1]):
            total += dy[row * M + copies[copy]]
        dx[place] = total

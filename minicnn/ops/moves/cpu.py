"""Rearranging on the CPU: each thread moves a part of the rows, or a part of the numbers if there are few rows."""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import THREADS, kernel


def forward(x, table, fill=0.0, need_saved=True):
    y = workspace.empty((len(x), table.index.size), x.dtype)
    _take.for_work(y.size)(x.reshape(-1), table.K, table.index, x.dtype.type(fill), len(x), y)
    return y, (table if need_saved else None)


@kernel(parallel=True)
def _take(x, K, index, fill, rows, y):
    M = index.size
    cuts = 1 if rows >= THREADS else THREADS
    for task in prange(rows * cuts):
        row, cut = task // cuts, task % cuts
        for i in range(cut * M // cuts, (cut + 1) * M // cuts):
            y[row, i] = x[row * K + index[i]] if index[i] >= 0 else fill


def backward(dy, saved):
    dx = workspace.empty((len(dy), saved.K), dy.dtype)
    _add_copies.for_work(dy.size)(dy.reshape(-1), saved.index.size, *saved.inverse, len(dy), dx)
    return dx


@kernel(parallel=True)
def _add_copies(dy, M, starts, copies, rows, dx):
    K = starts.size - 1
    cuts = 1 if rows >= THREADS else THREADS
    for task in prange(rows * cuts):
        row, cut = task // cuts, task % cuts
        for j in range(cut * K // cuts, (cut + 1) * K // cuts):
            total = dy.dtype.type(0)
            for copy in range(starts[j], starts[j + 1]):
                total += dy[row * M + copies[copy]]
            dx[row, j] = total

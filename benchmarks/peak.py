"""How fast can this machine be? Measures multiply-adds on registers alone, and bytes copied through memory."""

from __future__ import annotations

import time

import numba
import numpy as np
from numba import prange

from minicnn.kernels.cpu.compile import OPTIONS
from minicnn.kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile

_K, _REPEATS = 288, 2000


@numba.njit(parallel=True, **OPTIONS)
def _multiply_add(threads, rows, cols, a, b, c, width):
    for thread in prange(threads):
        for _ in range(_REPEATS):
            tile(a, 0, rows, 0, ROWS, cols, 0, _K, b, 0, c, thread * ROWS * width, width, width, False)


@numba.njit(parallel=True, **OPTIONS)
def _copy(x, y):
    for i in prange(x.size):
        y[i] = x[i]


def _best(run, repeats=15):
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def gflops() -> float:
    """Billions of float32 operations per second of all threads together, when all data is in registers or the cache.

    It is the best of 15 tries. If other programs share the cores, call this several times and keep the largest result.
    """
    threads, width = numba.get_num_threads(), VECTORS * VECTOR_BYTES // 4
    rows, cols = np.arange(ROWS) * 16, np.arange(_K) % 16
    a, b = np.ones(ROWS * 16, np.float32), np.ones(_K * width, np.float32)
    c = np.empty(threads * ROWS * width, np.float32)
    arguments = (threads, rows, cols, a, b, c, width)
    _multiply_add(*arguments)
    return 2 * threads * _REPEATS * ROWS * width * _K / _best(lambda: _multiply_add(*arguments)) / 1e9


def gigabytes() -> float:
    """Billions of bytes read and written per second, while all threads copy an array far larger than any cache."""
    x, y = np.ones(50_000_000, np.float32), np.zeros(50_000_000, np.float32)
    _copy(x, y)
    return 2 * x.nbytes / _best(lambda: _copy(x, y), 5) / 1e9

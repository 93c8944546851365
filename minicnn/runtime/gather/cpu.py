"""Gather and cast in Numba. Each number is read once and written once, and the threads share the rows. A slice of rows
that already have the right type is not copied.

Some data has no compiled loop here: read-only, not C-contiguous, byte-swapped, or of a type that `_COMPILED` does not
name. NumPy gathers it, then casts it into the reused buffer.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel

_COMPILED = frozenset(np.dtype(name) for name in ("uint8", "int32", "int64", "float32", "float64"))


def forward(x, index, dtype):
    if isinstance(index, slice):
        if x.dtype == dtype and x.flags.c_contiguous and x.flags.writeable:
            return x[index]
        index = np.arange(*index.indices(len(x)))
    y = workspace.empty((len(index), *x.shape[1:]), dtype)
    if x.dtype in _COMPILED and x.flags.c_contiguous and x.flags.writeable and y.size:
        _gather(x.reshape(len(x), -1), index, y.reshape(len(index), -1))
    else:
        y[...] = x[index]
    return y


@kernel(parallel=True)
def _gather(x, index, y):
    """y[i] = x[index[i]], for x (rows, numbers of a row), in the type of y."""
    for i in prange(index.size):
        row = index[i]
        for j in range(x.shape[1]):
            y[i, j] = x[row, j]

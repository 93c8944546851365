"""Products of matrices on the CPU: one product of `kernels/cpu/matmul.py` after the other, each on all threads."""

from __future__ import annotations

import numpy as np

from ...kernels.cpu import workspace
from ...kernels.cpu.matmul import multiply, multiply_by_transposed, multiply_transposed
from ...kernels.cpu.recording import computed_weights, do


def forward(a, b, need_saved=True):
    (S, M, _), F = a.shape, b.shape[2]
    y, no_bias = workspace.empty((S, M, F), a.dtype), np.zeros(F, a.dtype)
    with computed_weights():
        for a_part, b_part, y_part in zip(_for_each(a, b), b, _for_each(y, b), strict=True):
            multiply(a_part, b_part, no_bias, y_part)
    return y, ((a, b) if need_saved else None)


def backward(dy, saved):
    a, b = saved
    K, F = b.shape[1:]
    da, db = workspace.empty(a.shape, a.dtype), workspace.empty(b.shape, b.dtype)
    gradient = workspace.empty((K + 1, F), b.dtype)  # its last row is the gradient of a bias, which there is not
    for a_part, b_part, dy_part, da_part, db_part in zip(
        _for_each(a, b), b, _for_each(dy, b), _for_each(da, b), db, strict=True
    ):
        multiply_by_transposed(dy_part, b_part, da_part)
        multiply_transposed(a_part, dy_part, gradient)
        do(np.copyto, db_part, gradient[:K])
    return da, db


def _for_each(a, b):
    """a's matrices, one for each of b's. With one b all rows of a are one matrix."""
    return a.reshape(1, -1, a.shape[2]) if len(b) == 1 else a

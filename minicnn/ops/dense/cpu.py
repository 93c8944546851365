"""The dense layer on the microkernel, with plain row and column offsets as tables.

What it buys over `vectorized.py`: bias and ReLU are added in registers, and the register tiles suit small batches,
where a general BLAS spends its time rearranging.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...kernels import workspace
from ...kernels.epilogue import bias_gradient, through_relu
from ...kernels.matmul import matmul, matmul_transposed, no_bias, transpose
from ...kernels.microkernel import BIAS, RELU

_ROWS = 512  # an offset table describes this many rows


def forward(x, w, b, relu=False, need_saved=True):
    K, F = w.shape
    y = workspace.empty((*x.shape[:-1], F), x.dtype)
    epilogue = (BIAS if b is not None else 0) | (RELU if relu else 0)
    _product(x, w, no_bias(x.dtype) if b is None else b, y, epilogue)
    return y, ((x, w, b is not None, y if relu else None) if need_saved else None)


def _product(x, w, bias, y, epilogue):
    """y = epilogue(x @ w)."""
    K, F = w.shape
    rows, cols = _offsets(K)
    matmul(
        x.reshape(-1), 0, rows.size * K, rows, cols, w.reshape(-1), 0, F, bias, 0,
        y.reshape(-1), 0, F, x.size // K, F, epilogue,
    )  # fmt: skip


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y = saved
    K, F = w.shape
    if y is not None:
        dy = through_relu(dy, y)
    db = bias_gradient(dy) if has_bias else None
    rows, cols = _offsets(K)
    dw = workspace.empty((K, F), w.dtype)
    matmul_transposed(x.reshape(-1), 0, rows.size * K, rows, cols, x.size // K, dy.reshape(-1), 0, F, F, dw.reshape(-1))
    if not need_dx:
        return None, dw, db
    w_transposed = workspace.empty((F, K), w.dtype)
    transpose(w, w_transposed)
    dx = workspace.empty(x.shape, x.dtype)
    _product(dy, w_transposed, no_bias(dy.dtype), dx, 0)
    return dx, dw, db


@lru_cache(maxsize=64)
def _offsets(K):
    """(rows, cols): entry (i, k) of a plain matrix with K columns lies at rows[i] + cols[k]."""
    return np.arange(_ROWS, dtype=np.intp) * K, np.arange(K, dtype=np.intp)

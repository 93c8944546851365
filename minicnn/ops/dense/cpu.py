"""The dense layer on the microkernel (`kernels/matmul.py`).

What it buys over `vectorized.py`: bias and ReLU are added while the sums are in the cache; the products suit small
batches; and the kernel is never transposed.
"""

from __future__ import annotations

import numpy as np

from ...kernels import workspace
from ...kernels.epilogue import epilogue_gradient
from ...kernels.matmul import multiply, multiply_by_transposed, multiply_transposed


def forward(x, w, b, relu=False, need_saved=True):
    K, F = w.shape
    y = workspace.empty((*x.shape[:-1], F), x.dtype)
    bias = np.zeros(F, w.dtype) if b is None else b
    multiply(x.reshape(-1, K), w, bias, y.reshape(-1, F), relu)
    return y, ((x, w, b is not None, y if relu else None) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y = saved
    K, F = w.shape
    dy, db = epilogue_gradient(dy, y)
    db = db if has_bias else None
    dw = workspace.empty((K, F), w.dtype)
    multiply_transposed(x.reshape(-1, K), dy.reshape(-1, F), dw)
    if not need_dx:
        return None, dw, db
    dx = workspace.empty(x.shape, x.dtype)
    multiply_by_transposed(dy.reshape(-1, F), w, dx.reshape(-1, K))
    return dx, dw, db

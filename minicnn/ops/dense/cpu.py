"""The dense layer on the microkernel (`kernels/cpu/matmul.py`).

What it gains over `vectorized.py`:
- bias and ReLU are applied while the sums are in the cache. Backward applies ReLU's gradient while it reads dy.
- the work is cut so that the threads have enough to do for small batches too.
- no transposed copy of the kernel is made.
"""

from __future__ import annotations

import numpy as np

from ...kernels.cpu import workspace
from ...kernels.cpu.matmul import multiply, multiply_by_transposed, multiply_transposed


def forward(x, w, b, relu=False, need_saved=True):
    K, F = w.shape
    y = workspace.empty((*x.shape[:-1], F), x.dtype)
    bias = np.zeros(F, w.dtype) if b is None else b
    multiply(x.reshape(-1, K), w, bias, y.reshape(-1, F), relu)
    return y, ((x, w, b is not None, y if relu else None) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y = saved
    K, F = w.shape
    dy, y = dy.reshape(-1, F), None if y is None else y.reshape(-1, F)
    gradients = workspace.empty((K + 1, F), w.dtype)  # the bias is the weight of an input that is always 1
    multiply_transposed(x.reshape(-1, K), dy, gradients, y)
    dw, db = gradients[:K], gradients[K] if has_bias else None
    if not need_dx:
        return None, dw, db
    dx = workspace.empty(x.shape, x.dtype)
    multiply_by_transposed(dy, w, dx.reshape(-1, K), y)
    return dx, dw, db

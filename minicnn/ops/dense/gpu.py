"""The dense layer on the GPU: three matrix products of `kernels/gpu/matmul.py`, which has versions v1 to v4.

- forward: x @ w, with bias and ReLU in the same pass.
- the kernel's gradient: x^T @ dy. The transposed x is x with its two offset tables swapped.
- the input's gradient: dy @ w^T. A separate pass transposes w first.
"""

from __future__ import annotations

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import through_relu
from ...kernels.gpu.matmul import multiples, product, transposed
from ...kernels.gpu.reductions import column_sums


def forward(x, w, b, relu=False, need_saved=True):
    K, F = w.shape
    y = arrays.empty((*x.shape[:-1], F), x.dtype)
    M = x.size // K
    product(x, multiples(M, K), multiples(K, 1), w, b, relu, y, "k" if K % 4 == 0 else None)
    return y, ((x, w, b is not None, y if relu else None) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y = saved
    K, F = w.shape
    M = x.size // K
    if y is not None:
        dy = through_relu(dy, y)
    db = column_sums(dy, M, F) if has_bias else None
    dw = arrays.empty((K, F), w.dtype)
    product(x, multiples(K, 1), multiples(M, K), dy, None, False, dw, "i" if K % 4 == 0 else None)
    if not need_dx:
        return None, dw, db
    dx = arrays.empty(x.shape, x.dtype)
    product(dy, multiples(M, F), multiples(F, 1), transposed(w, K, F), None, False, dx, "k" if F % 4 == 0 else None)
    return dx, dw, db

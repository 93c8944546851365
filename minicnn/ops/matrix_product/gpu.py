"""Products of matrices on the GPU: a thread for each number of y. With one b they are one product of
`kernels/gpu/matmul.py`."""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ..dense import gpu as dense


def forward(a, b, need_saved=True):
    (S, M, K), F = a.shape, b.shape[2]
    if len(b) == 1:
        y, _ = dense.forward(a, b.reshape(K, F), None, need_saved=False)
    else:
        y = arrays.empty((S, M, F), a.dtype)
        _products.over(y.size, a, M * K, K, 1, b, K * F, F, 1, M, F, K, a.dtype.type(0), y)
    return y, ((a, b) if need_saved else None)


def backward(dy, saved):
    a, b = saved
    (_, M, K), F = a.shape, b.shape[2]
    if len(b) == 1:
        da, db, _ = dense.backward(dy, (a, b.reshape(K, F), False, None))
        return da, db.reshape(b.shape)
    da, db, zero = arrays.empty(a.shape, a.dtype), arrays.empty(b.shape, b.dtype), a.dtype.type(0)
    _products.over(da.size, dy, M * F, F, 1, b, K * F, 1, F, M, K, F, zero, da)  # dy @ b^T
    _products.over(db.size, a, M * K, 1, K, dy, M * F, F, 1, K, F, M, zero, db)  # a^T @ dy
    return da, db


@gpu_kernel()
def _products(a, a_next, a_row, a_column, b, b_next, b_row, b_column, rows, columns, terms, zero, y, n):
    """y[s, i, j] = sum over k of a[s, i, k] * b[s, k, j]; the steps between numbers are given."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        s, i, j, total = place // columns // rows, place // columns % rows, place % columns, zero
        for k in range(terms):
            total += a[s * a_next + i * a_row + k * a_column] * b[s * b_next + k * b_row + j * b_column]
        y[place] = total

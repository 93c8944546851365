"""The operation of the dense layer: a matrix product over the last axis.

    y[m, f] = b[f] + sum over k of x[m, k] * w[k, f]          x (..., K)   w (K, F)   b (F,) or None   y (..., F)

Two of its gradients are matrix products as well: dx = dy @ w^T and dw = x^T @ dy. db is the sum of dy's rows.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, w, b, relu=False, need_saved=True):
    """y (..., F) and what `backward` needs. With relu=True negative outputs become zero in the same pass."""
    if w.ndim != 2 or x.shape[-1] != w.shape[0]:
        raise ValueError(f"Dense takes inputs (..., K) and a kernel (K, F); received shapes {x.shape} and {w.shape}.")
    return variant(__name__).forward(x, w, b, relu, need_saved)


def backward(dy, saved, need_dx=True):
    """(dx, dw, db) for the upstream gradient dy (..., F); dx is None unless need_dx, db None without b."""
    return variant(__name__).backward(dy, saved, need_dx)

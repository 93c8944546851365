"""Products of matrices, several at a time.

    y[s, m, f] = sum over k of a[s, m, k] * b[s, k, f]          y[s] = a[s] @ b[s]

    a  (S, M, K)      b  (S, K, F), or (1, K, F) for one matrix that all of a are multiplied by      y  (S, M, F)

    da[s] = dy[s] @ b[s]^T          db[s] = a[s]^T @ dy[s], summed over s if there is one b

The dense layer is the same with weights as b; it also adds a bias (`ops/dense`, whose products do the work here).

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(a, b, need_saved=True):
    """y (S, M, F) and what `backward` needs."""
    return variant(__name__).forward(a, b, need_saved)


def backward(dy, saved):
    """(da, db) for the upstream gradient dy (S, M, F)."""
    return variant(__name__).backward(dy, saved)

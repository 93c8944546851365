"""What metrics count, on the GPU: a thread for each row."""

from __future__ import annotations

from numba import cuda

from ...kernels import device
from ...kernels.formulas import compiled
from ...kernels.gpu_launch import device_function, gpu_kernel
from . import rows

_rows = compiled(rows, device_function)


def _counted(formula):
    """A function of predictions, targets and threshold: what `formula` counts in every row."""

    @gpu_kernel()
    def run(p, t, K, threshold, counted, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            counted[i] = formula(p, t, i, K, threshold)

    def count(p, t, threshold=0.5):
        counted = device.empty((p.shape[0],), p.dtype)
        run.over(p.shape[0], p, t, p.shape[1], p.dtype.type(threshold), counted)
        return counted

    return count


_sparse, _categorical, binary_accuracy = _counted(_rows.sparse), _counted(_rows.categorical), _counted(_rows.binary)
_sparse_top_k, _top_k = _counted(_rows.sparse_top_k), _counted(_rows.top_k)
true_positives, false_positives = _counted(_rows.true_positives), _counted(_rows.false_positives)
true_negatives, false_negatives = _counted(_rows.true_negatives), _counted(_rows.false_negatives)


def sparse_categorical_accuracy(p, labels):
    return _sparse(p, labels)


def categorical_accuracy(p, t):
    return _categorical(p, t)


def sparse_top_k(p, labels, k):
    return _sparse_top_k(p, labels, k)


def top_k(p, t, k):
    return _top_k(p, t, k)

"""The counts behind metrics on the GPU: a thread for each row."""

from __future__ import annotations

from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.launch import device_function, gpu_kernel
from . import formulas

_formulas = compiled(formulas, device_function)


def _counted(formula):
    """Make a function of predictions, targets and threshold: it returns what `formula` counts in each row."""

    @gpu_kernel()
    def run(p, t, K, threshold, counted, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            counted[i] = formula(p, t, i, K, threshold)

    def count(p, t, threshold=0.5):
        counted = arrays.empty((p.shape[0],), p.dtype)
        run.over(p.shape[0], p, t, p.shape[1], p.dtype.type(threshold), counted)
        return counted

    return count


_sparse, _categorical, binary_accuracy = (
    _counted(_formulas.sparse),
    _counted(_formulas.categorical),
    _counted(_formulas.binary),
)
_sparse_top_k, _top_k = _counted(_formulas.sparse_top_k), _counted(_formulas.top_k)
true_positives, false_positives = _counted(_formulas.true_positives), _counted(_formulas.false_positives)
true_negatives, false_negatives = _counted(_formulas.true_negatives), _counted(_formulas.false_negatives)


def sparse_categorical_accuracy(p, labels):
    return _sparse(p, labels)


def categorical_accuracy(p, t):
    return _categorical(p, t)


def sparse_top_k(p, labels, k):
    return _sparse_top_k(p, labels, k)


def top_k(p, t, k):
    return _top_k(p, t, k)

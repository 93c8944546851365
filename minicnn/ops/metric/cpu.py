"""The counts behind metrics in Numba. Rows are few and short: one thread is faster than waking up the others."""

from __future__ import annotations

import numpy as np

from ...kernels.cpu.compile import helper, kernel
from ...kernels.formulas import compiled
from . import formulas

_formulas = compiled(formulas, helper)


def _counted(formula):
    """Make a function of predictions, targets and threshold: it returns what `formula` counts in each row."""

    @kernel()
    def run(p, t, K, threshold, counted):
        for i in range(counted.size):
            counted[i] = formula(p, t, i, K, p.dtype.type(threshold))

    def count(p, t, threshold=0.5):
        counted = np.empty(p.shape[0], p.dtype)
        run(p.reshape(-1), t.reshape(-1), p.shape[1], threshold, counted)
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

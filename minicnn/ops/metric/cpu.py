"""What metrics count, in Numba. Rows are few and short: one thread is quicker than waking the others."""

from __future__ import annotations

import numpy as np

from ...kernels.compile import helper, kernel


def sparse_categorical_accuracy(p, labels):
    right = np.empty(p.shape[0], p.dtype)
    _sparse(p, labels, right)
    return right


@helper
def _place_of_largest(p, i):
    """As np.argmax: the first of several, and the first NaN beats every number."""
    best = 0
    for k in range(1, p.shape[1]):
        if p[i, k] > p[i, best] or (p[i, k] != p[i, k] and p[i, best] == p[i, best]):
            best = k
    return best


@kernel()
def _sparse(p, labels, right):
    for i in range(p.shape[0]):
        right[i] = _place_of_largest(p, i) == labels[i]


def categorical_accuracy(p, t):
    right = np.empty(p.shape[0], p.dtype)
    _categorical(p, t, right)
    return right


@kernel()
def _categorical(p, t, right):
    for i in range(p.shape[0]):
        right[i] = _place_of_largest(p, i) == _place_of_largest(t, i)


def binary_accuracy(p, t, threshold=0.5):
    right = np.empty(p.shape[0], p.dtype)
    _binary(p, t, p.dtype.type(threshold), right)
    return right


@kernel()
def _binary(p, t, threshold, right):
    for i in range(p.shape[0]):
        count = 0
        for k in range(p.shape[1]):
            count += (p[i, k] > threshold) == t[i, k]
        right[i] = count / p.shape[1]

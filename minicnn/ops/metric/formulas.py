"""The counts behind metrics for one row: plain formulas that cpu.py and gpu.py compile.

They take (p, t, i, K, threshold): flat predictions, flat targets (or labels), the row's number, its length, and the
threshold. The top-k formulas take k instead of the threshold.
"""

from __future__ import annotations

import math


def place_of_largest(p, i, K):
    """Like np.argmax: the first of equal numbers; the first NaN beats every number."""
    best, largest = 0, p[i * K]
    for k in range(1, K):
        value = p[i * K + k]
        if value > largest or (value != value and largest == largest):
            best, largest = k, value
    return best


def sparse(p, labels, i, K, threshold):
    return p.dtype.type(place_of_largest(p, i, K) == labels[i])


def categorical(p, t, i, K, threshold):
    return p.dtype.type(place_of_largest(p, i, K) == place_of_largest(t, i, K))


def binary(p, t, i, K, threshold):
    count = 0
    for k in range(i * K, (i + 1) * K):
        count += (p[k] > threshold) == t[k]
    return p.dtype.type(count) / p.dtype.type(K)


def is_among_largest(p, label, i, K, k):
    value, larger = p[i * K + label], 0
    if not math.isfinite(value):
        return p.dtype.type(0)
    for j in range(i * K, (i + 1) * K):
        larger += p[j] > value
    return p.dtype.type(p.dtype.type(larger) < k)


def sparse_top_k(p, labels, i, K, k):
    return is_among_largest(p, labels[i], i, K, k)


def top_k(p, t, i, K, k):
    return is_among_largest(p, place_of_largest(t, i, K), i, K, k)


def true_positives(p, t, i, K, threshold):
    count = 0
    for k in range(i * K, (i + 1) * K):
        count += p[k] > threshold and t[k] != 0
    return p.dtype.type(count)


def false_positives(p, t, i, K, threshold):
    count = 0
    for k in range(i * K, (i + 1) * K):
        count += p[k] > threshold and t[k] == 0
    return p.dtype.type(count)


def true_negatives(p, t, i, K, threshold):
    count = 0
    for k in range(i * K, (i + 1) * K):
        count += not p[k] > threshold and t[k] == 0
    return p.dtype.type(count)


def false_negatives(p, t, i, K, threshold):
    count = 0
    for k in range(i * K, (i + 1) * K):
        count += not p[k] > threshold and t[k] != 0
    return p.dtype.type(count)

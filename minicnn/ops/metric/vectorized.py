"""The counts behind metrics in NumPy: the definitions."""

from __future__ import annotations

import numpy as np


def sparse_categorical_accuracy(p, labels):
    return (p.argmax(axis=1) == labels).astype(p.dtype)


def categorical_accuracy(p, t):
    return (p.argmax(axis=1) == t.argmax(axis=1)).astype(p.dtype)


def binary_accuracy(p, t, threshold=0.5):
    return ((p > threshold) == t).mean(axis=1).astype(p.dtype)


def sparse_top_k(p, labels, k):
    at_label = p[np.arange(len(p)), labels]
    return (((p > at_label[:, None]).sum(axis=1) < k) & np.isfinite(at_label)).astype(p.dtype)


def top_k(p, t, k):
    return sparse_top_k(p, t.argmax(axis=1), k)


def true_positives(p, t, threshold=0.5):
    return ((p > threshold) & (t != 0)).sum(axis=1).astype(p.dtype)


def false_positives(p, t, threshold=0.5):
    return ((p > threshold) & (t == 0)).sum(axis=1).astype(p.dtype)


def true_negatives(p, t, threshold=0.5):
    return (~(p > threshold) & (t == 0)).sum(axis=1).astype(p.dtype)


def false_negatives(p, t, threshold=0.5):
    return (~(p > threshold) & (t != 0)).sum(axis=1).astype(p.dtype)

"""What metrics count, in NumPy: the definitions."""

from __future__ import annotations


def sparse_categorical_accuracy(p, labels):
    return (p.argmax(axis=1) == labels).astype(p.dtype)


def categorical_accuracy(p, t):
    return (p.argmax(axis=1) == t.argmax(axis=1)).astype(p.dtype)


def binary_accuracy(p, t, threshold=0.5):
    return ((p > threshold) == t).mean(axis=1).astype(p.dtype)

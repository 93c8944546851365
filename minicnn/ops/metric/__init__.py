"""What metrics count, per row of predictions p (M, K).

sparse_categorical_accuracy   1 where the largest p is at the row's label (labels (M,) integers), else 0
categorical_accuracy          1 where the largest p and the largest target (M, K) are at one place, else 0
binary_accuracy               the share of the row where (p > threshold) equals the target
"""

from ...backend import variant


def sparse_categorical_accuracy(p, labels):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).sparse_categorical_accuracy(p, labels)


def categorical_accuracy(p, t):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).categorical_accuracy(p, t)


def binary_accuracy(p, t, threshold=0.5):
    """(M,) numbers from 0 to 1, of p's type."""
    return variant(__name__).binary_accuracy(p, t, threshold)

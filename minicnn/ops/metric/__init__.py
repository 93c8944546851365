"""The counts behind metrics: one number for each row of predictions p (M, K).

sparse_categorical_accuracy   1 where the largest p is at the row's label (labels (M,) integers), else 0
categorical_accuracy          1 where the largest p and the largest target (M, K) are at the same place, else 0
binary_accuracy               the share of the row where (p > threshold) equals the target
sparse_top_k, top_k           1 where p at the label (at the largest target) is finite, and fewer than k of the row's
                              p are larger, else 0
true_positives                how many of the row's p are above the threshold, with a target that is not 0
false_positives               how many are above the threshold, with target 0
true_negatives                how many are not above the threshold, with target 0
false_negatives               how many are not above the threshold, with a target that is not 0

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for one row), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def sparse_categorical_accuracy(p, labels):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).sparse_categorical_accuracy(p, labels)


def categorical_accuracy(p, t):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).categorical_accuracy(p, t)


def binary_accuracy(p, t, threshold=0.5):
    """(M,) numbers from 0 to 1, of p's type."""
    return variant(__name__).binary_accuracy(p, t, threshold)


def sparse_top_k(p, labels, k):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).sparse_top_k(p, labels, k)


def top_k(p, t, k):
    """(M,) numbers 0 or 1, of p's type."""
    return variant(__name__).top_k(p, t, k)


def true_positives(p, t, threshold=0.5):
    """(M,) counts, of p's type."""
    return variant(__name__).true_positives(p, t, threshold)


def false_positives(p, t, threshold=0.5):
    """(M,) counts, of p's type."""
    return variant(__name__).false_positives(p, t, threshold)


def true_negatives(p, t, threshold=0.5):
    """(M,) counts, of p's type."""
    return variant(__name__).true_negatives(p, t, threshold)


def false_negatives(p, t, threshold=0.5):
    """(M,) counts, of p's type."""
    return variant(__name__).false_negatives(p, t, threshold)

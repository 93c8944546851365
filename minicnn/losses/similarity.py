"""Losses that compare directions, and classes with one another."""

from __future__ import annotations

from .. import ops
from .base import Loss, registry


def cosine_similarity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle between targets and predictions."""
    return -ops.sum(ops.normalize(ops.cast(y_true, y_pred.dtype), axis) * ops.normalize(y_pred, axis), axis=axis)


def categorical_hinge(y_true, y_pred):
    """max(0, 1 + the largest of the wrong classes - the right one)."""
    y_true = ops.cast(y_true, y_pred.dtype)
    right, wrong = ops.sum(y_true * y_pred, axis=-1), ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


@registry.add("cosine_similarity")
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between targets and predictions along `axis`: -1 for equal directions."""

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true, y_pred):
        return cosine_similarity(y_true, y_pred, self.axis)


@registry.add("categorical_hinge")
class CategoricalHinge(Loss):
    """max(0, 1 + the largest of the wrong classes - the right one); one-hot targets (N, ..., K)."""

    def call(self, y_true, y_pred):
        return categorical_hinge(y_true, y_pred)

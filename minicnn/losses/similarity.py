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


def circle(
    y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4
):  # fmt: skip
    """For each row of y_pred (N, D), vectors of length 1 with labels y_true (N,), how badly it lies among the others.

    With the cosine distances d to the rows of the same label (p) and of others (n), margin m and scale g (Sun et al.,
    "Circle loss", 2020): log(1 + sum of exp(-g (m + d_p) (m - d_p)) * sum of exp(g max(1 + m - d_n, 0) (1 - m - d_n))).
    The others are y_pred itself, without the row (remove_diagonal), or ref_embeddings with ref_labels.
    """
    labels = ops.reshape(y_true, (-1, 1))
    others = labels if ref_labels is None else ops.reshape(ref_labels, (-1, 1))
    compared = y_pred if ref_embeddings is None else ref_embeddings
    distances = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(compared)), 0.0)
    same = ops.cast(ops.equal(labels, ops.transpose(others)), distances.dtype)
    positive, negative = same, 1.0 - same
    if remove_diagonal:
        positive = positive * (1.0 - ops.eye(ops.shape(distances)[0], dtype=distances.dtype))
    of_same = -gamma * (margin + distances) * (margin - distances)
    of_others = gamma * ops.maximum(1.0 + margin - distances, 0.0) * (1.0 - margin - distances)
    sums = [
        ops.logsumexp(ops.where(mask > 0, exponents, _NOTHING), axis=1)
        for mask, exponents in ((positive, of_same), (negative, of_others))
    ]
    return ops.softplus(sums[0] + sums[1])


_NOTHING = -1e9  # an exponent whose power is 0


@registry.add("circle")
class Circle(Loss):
    """`circle` for a batch. The mean counts only the rows whose loss is above 0, as in Keras."""

    def __init__(
        self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction="sum_over_batch_size", name="circle", dtype=None
    ):  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def call(self, y_true, y_pred):
        rows = circle(
            y_true, y_pred, remove_diagonal=self.remove_diagonal, gamma=self.gamma, margin=self.margin
        )  # fmt: skip
        if self.reduction not in ("sum_over_batch_size", "mean"):
            return rows
        counted = ops.maximum(ops.sum(ops.cast(rows > 0, y_pred.dtype)), 1.0)
        return rows * (ops.sum(ops.ones_like(rows)) / counted)


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

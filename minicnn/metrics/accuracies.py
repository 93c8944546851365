"""Shares of right answers."""

from __future__ import annotations

import numpy as np

from .. import losses
from ..ops import metric as op
from ..runtime import transfer
from .metric import Mean, MeanOfRows, checked_count, registry


class _Accuracy(MeanOfRows):
    """The mean of the rows' scores. Targets have the form that the loss of the same kind takes."""

    loss: losses.Loss
    larger_is_better = True

    def check_targets(self, y, output_shape):
        self.loss.check_targets(y, output_shape)

    def _rows_and_targets(self, y_true, y_pred):
        targets = self.loss.targets(y_true, y_pred.shape, y_pred.dtype)
        return transfer.to_device(y_pred).reshape(-1, y_pred.shape[-1]), transfer.to_device(targets)


@registry.add("sparse_categorical_accuracy")
class SparseCategoricalAccuracy(_Accuracy):
    """The share of rows whose largest output is at the integer label."""

    default_name = "sparse_categorical_accuracy"
    loss = losses.SparseCategoricalCrossentropy()

    def rows(self, y_true, y_pred):
        return op.sparse_categorical_accuracy(*self._rows_and_targets(y_true, y_pred))


@registry.add("categorical_accuracy")
class CategoricalAccuracy(_Accuracy):
    """The share of rows whose largest output is where the largest target is."""

    default_name = "categorical_accuracy"
    loss = losses.CategoricalCrossentropy()

    def rows(self, y_true, y_pred):
        return op.categorical_accuracy(*self._rows_and_targets(y_true, y_pred))


@registry.add("binary_accuracy")
class BinaryAccuracy(_Accuracy):
    """The share of numbers on their target's side of the threshold."""

    default_name = "binary_accuracy"
    loss = losses.BinaryCrossentropy()
    has_a_value_per_number = True

    def __init__(self, name=None, dtype=None, threshold=0.5):
        super().__init__(name, dtype)
        self.threshold = threshold

    def rows(self, y_true, y_pred):
        return op.binary_accuracy(*self._rows_and_targets(y_true, y_pred), self.threshold)


@registry.add("top_k_categorical_accuracy")
class TopKCategoricalAccuracy(_Accuracy):
    """The share of rows in which the output at the largest target is among the k largest; ties count as right."""

    default_name = "top_k_categorical_accuracy"
    loss = losses.CategoricalCrossentropy()

    def __init__(self, k=5, name=None, dtype=None):
        super().__init__(name, dtype)
        self.k = checked_count(k, "k")

    def rows(self, y_true, y_pred):
        return op.top_k(*self._rows_and_targets(y_true, y_pred), self.k)


@registry.add("sparse_top_k_categorical_accuracy")
class SparseTopKCategoricalAccuracy(_Accuracy):
    """The share of rows in which the output at the label is among the k largest; ties count as right.

    from_sorted_ids: predictions are classes, sorted from the most likely one on, as top_k gives them.
    """

    default_name = "sparse_top_k_categorical_accuracy"
    loss = losses.SparseCategoricalCrossentropy()

    _not_in_config = ("from_sorted_ids",)  # as in Keras

    def __init__(self, k=5, name=None, dtype=None, from_sorted_ids=False):
        super().__init__(name, dtype)
        self.k, self.from_sorted_ids = checked_count(k, "k"), from_sorted_ids

    def check_targets(self, y, output_shape):
        if not self.from_sorted_ids:
            super().check_targets(y, output_shape)

    def rows(self, y_true, y_pred):
        if self.from_sorted_ids:
            ids = np.asarray(transfer.to_host(y_pred)).reshape(-1, y_pred.shape[-1])[:, : self.k]
            right = (ids == np.asarray(y_true).reshape(-1, 1)).any(axis=1)
            return transfer.to_device(right.astype(y_pred.dtype))
        return op.sparse_top_k(*self._rows_and_targets(y_true, y_pred), self.k)


def _of_rows(metric, y_true, y_pred) -> np.ndarray:
    """A metric's number for every row of predictions y_pred (N, ..., K), as an array (N, ...)."""
    y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
    losses.check_lengths(y_true, y_pred)
    metric.check_targets(y_true, y_pred.shape)
    return np.array(transfer.to_host(metric.rows(y_true, y_pred))).reshape(y_pred.shape[:-1])


def binary_accuracy(y_true, y_pred, threshold=0.5) -> np.ndarray:
    """For every number, 1 if it is on its target's side of the threshold, else 0."""
    y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
    losses.check_lengths(y_true, y_pred)
    metric = BinaryAccuracy(threshold=threshold)
    metric.check_targets(y_true, y_pred.shape)
    rows = metric.rows(y_true.reshape(-1, 1), y_pred.reshape(-1, 1))
    return np.array(transfer.to_host(rows)).reshape(y_pred.shape)


def categorical_accuracy(y_true, y_pred) -> np.ndarray:
    """For every row, 1 if the largest output is at the largest target, else 0."""
    return _of_rows(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true, y_pred) -> np.ndarray:
    """For every row, 1 if the largest output is at the label, else 0."""
    return _of_rows(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true, y_pred, k=5) -> np.ndarray:
    """For every row, 1 if the output at the largest target is among the k largest, else 0."""
    return _of_rows(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5) -> np.ndarray:
    """For every row, 1 if the output at the label is among the k largest, else 0."""
    return _of_rows(SparseTopKCategoricalAccuracy(k), y_true, y_pred)


@registry.add()
class Accuracy(Mean):
    """The share of predictions that equal the targets."""

    larger_is_better = True

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        t, p = np.asarray(y_true), np.asarray(y_pred)
        if t.shape != p.shape and t.size == p.size:
            t = t.reshape(p.shape)
        super().update_state(t == p, sample_weight)

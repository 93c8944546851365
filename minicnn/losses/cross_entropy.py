"""Cross-entropies: how little probability was given to the right class."""

from __future__ import annotations

import numpy as np

from ..runtime import transfer
from .base import Loss, registry


class _CrossEntropy(Loss):
    """A loss on probabilities or, from_logits, on the logits before softmax or sigmoid."""

    def __init__(self, from_logits=False, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits


class _SmoothedCrossEntropy(_CrossEntropy):
    """With label_smoothing s, a target t first becomes t (1 - s) + s / (number of choices)."""

    def __init__(
        self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size", name=None, dtype=None
    ):
        super().__init__(from_logits, reduction, name, dtype)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be from 0 to 1; received label_smoothing={label_smoothing!r}.")
        if axis != -1:
            raise ValueError(f"axis must be -1, because the last axis holds the classes; received axis={axis!r}.")
        self.label_smoothing, self.axis = label_smoothing, axis

    def choices(self, output_shape) -> int:
        """The number of classes that a target chooses from."""
        return output_shape[-1]

    def compared(self, t, output_shape):
        s = self.label_smoothing
        return t * (1 - s) + s / self.choices(output_shape) if s else t

    def targets(self, y, output_shape, dtype):
        return self.compared(super().targets(y, output_shape, dtype), output_shape)


@registry.add("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_CrossEntropy):
    """-log of the probability given to the label; labels (N, ...) or (N, ..., 1) integers.

    Rows with the label ignore_class (for unlabelled pixels, for example) do not count, also not in the mean's divisor.
    """

    operation, logits_operation = "sparse_categorical_cross_entropy", "sparse_softmax_cross_entropy"
    sparse = True

    def __init__(
        self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1, name=None, dtype=None
    ):
        super().__init__(from_logits, reduction, name, dtype)
        if axis != -1:
            raise ValueError(f"axis must be -1, because the last axis holds the classes; received axis={axis!r}.")
        self.ignore_class, self.axis = ignore_class, axis

    def counted_rows(self, y):
        return None if self.ignore_class is None else y.reshape(-1) != self.ignore_class

    def _without_ignored(self, y):
        return y if self.ignore_class is None else np.where(y == self.ignore_class, 0, y)

    def targets(self, y, output_shape, dtype):
        return super().targets(self._without_ignored(y), output_shape, dtype)

    def check_targets(self, y, output_shape):
        super().check_targets(self._without_ignored(y), output_shape)

    def rows_on_device(self, y_true, y_pred):
        losses = super().rows_on_device(y_true, y_pred)
        counted = self.counted_rows(y_true)
        if counted is None:
            return losses
        return transfer.to_device(transfer.to_host(losses) * counted.reshape(losses.shape))


@registry.add("categorical_crossentropy")
class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """-sum of target * log probability; targets (N, ..., K) one-hot or probabilities."""

    operation, logits_operation = "categorical_cross_entropy", "softmax_cross_entropy"


@registry.add("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(_SmoothedCrossEntropy):
    """Mean over the last axis of -(t log p + (1 - t) log(1 - p)); targets of the outputs' shape."""

    def choices(self, output_shape):
        return 2

    operation, logits_operation = "binary_cross_entropy", "sigmoid_cross_entropy"


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1) -> np.ndarray:
    """The loss of every row: y_true (N, ...) labels, y_pred (N, ..., K), result (N, ...)."""
    return SparseCategoricalCrossentropy(from_logits, ignore_class, "none", axis)(y_true, y_pred)


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis, "none")(y_true, y_pred)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis, "none")(y_true, y_pred)

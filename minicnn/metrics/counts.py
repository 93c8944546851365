"""Counts of right and wrong positives and negatives, and precision and recall from them."""

from __future__ import annotations

import math

import numpy as np

from .. import losses
from ..ops import metric as op
from ..results import Array, Number
from ..running_mean import RunningSum
from ..runtime import transfer, weighted_sum
from .metric import Metric, checked_count, registry


class _Counts(Metric):
    """Counts of right and wrong positives and negatives. A number above the threshold counts as positive.

    thresholds: one number, or a list of numbers; for a list `result` gives an array.
    top_k: only a row's k largest numbers can count as positive. Without thresholds all k do.
    class_id: only that output counts.
    """

    counted: tuple[str, ...] = ()
    takes_arrays_of_the_backend = True
    _loss = losses.BinaryCrossentropy()

    class_id: int | None = None
    top_k: int | None = None

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name, dtype)
        self.thresholds = thresholds
        if thresholds is None:
            self._values = [-math.inf if self.top_k else 0.5]
        else:
            self._values = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
            if (
                not all(isinstance(value, (int, float)) and 0 <= value <= 1 for value in self._values)
                or not self._values
            ):
                raise ValueError(f"thresholds must be between 0 and 1; received thresholds={thresholds!r}.")
        self.reset_state()

    def reset_state(self):
        self._sums = {(name, value): RunningSum() for name in self.counted for value in self._values}

    def check_targets(self, y, output_shape):
        self._loss.check_targets(y, output_shape)
        if self.class_id is not None and not 0 <= self.class_id < output_shape[-1]:
            raise ValueError(f"class_id must be from 0 to {output_shape[-1] - 1}; received {self.class_id!r}.")
        if self.top_k is not None and self.top_k > output_shape[-1]:
            raise ValueError(f"There are {output_shape[-1]} outputs; received top_k={self.top_k!r}.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        t = self._loss.targets(y_true, y_pred.shape, y_pred.dtype)
        p = transfer.to_device(y_pred).reshape(-1, y_pred.shape[-1])
        if self.top_k is not None:
            p = transfer.to_device(_largest_alone(transfer.to_host(p), self.top_k))
        if self.class_id is not None:
            chosen = slice(self.class_id, self.class_id + 1)
            p, t = transfer.to_device(np.ascontiguousarray(transfer.to_host(p)[:, chosen])), t[:, chosen].copy()
        t, weights = transfer.to_device(t), None
        if sample_weight is not None:
            weights = transfer.to_device(losses.weights_per_row(sample_weight, y_pred.shape[:-1], np.float64))
        for (name, value), running in self._sums.items():
            running.add(weighted_sum.forward(getattr(op, name)(p, t, value), weights))

    def _total(self, name):
        return np.array([self._sums[name, value].total() for value in self._values])

    def value(self) -> np.ndarray:
        """The result for each threshold."""
        return self._total(self.counted[0])

    def result(self):
        values = self.value()
        return values.view(Array) if isinstance(self.thresholds, (list, tuple)) else Number(values[0])


def _largest_alone(p, k):
    """p with minus infinity everywhere except at each row's k largest; of equal numbers the first count as larger."""
    largest = np.argsort(-p, axis=1, kind="stable")[:, :k]
    alone = np.full_like(p, -np.inf)
    np.put_along_axis(alone, largest, np.take_along_axis(p, largest, axis=1), axis=1)
    return alone


@registry.add("true_positives")
class TruePositives(_Counts):
    """The count of numbers above the threshold whose target is positive."""

    counted, larger_is_better = ("true_positives",), True


@registry.add("false_positives")
class FalsePositives(_Counts):
    """The count of numbers above the threshold whose target is not positive."""

    counted, larger_is_better = ("false_positives",), False


@registry.add("true_negatives")
class TrueNegatives(_Counts):
    """The count of numbers not above the threshold whose target is not positive."""

    counted, larger_is_better = ("true_negatives",), True


@registry.add("false_negatives")
class FalseNegatives(_Counts):
    """The count of numbers not above the threshold whose target is positive."""

    counted, larger_is_better = ("false_negatives",), False


class _Share(_Counts):
    """The first of two counts divided by the sum of both."""

    larger_is_better = True

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.top_k = None if top_k is None else checked_count(top_k, "top_k")
        self.class_id = class_id
        super().__init__(thresholds, name, dtype)

    def value(self):
        first, second = self._total(self.counted[0]), self._total(self.counted[1])
        return np.divide(first, first + second, out=np.zeros_like(first), where=first + second > 0)


@registry.add("precision")
class Precision(_Share):
    """The share of the numbers above the threshold whose target is positive; 0 if no number is above."""

    counted = ("true_positives", "false_positives")


@registry.add("recall")
class Recall(_Share):
    """The share of the numbers with a positive target that are above the threshold; 0 if no target is positive."""

    counted = ("true_positives", "false_negatives")

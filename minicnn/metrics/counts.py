"""Counts of right and wrong positives and negatives, and precision and recall from them."""

from __future__ import annotations

import math

import numpy as np

from .. import losses
from ..ops import metric as op
from ..results import Array, Number
from ..running_mean import RunningSum
from ..runtime import transfer, weighted_sum
from .metric import Metric, checked_count, is_per_number, registry


class _Counts(Metric):
    """Counts of right and wrong positives and negatives. A number above the threshold counts as positive.

    thresholds: one number, or a list of numbers; for a list `result` gives an array.
    top_k: only a row's k largest numbers can count as positive. Without thresholds all k do.
    class_id: only that output counts.
    """

    counts: tuple[str, ...] = ()
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
        self._sums = {(name, value): RunningSum() for name in self.counts for value in self._values}

    def counted(self):
        of_one = len(self.counts) == 1
        return {"accumulator" if of_one else name: self._total(name) for name in self.counts}

    def __getattr__(self, name):
        """What has been counted, by its name: `metric.true_positives`."""
        if name in type(self).counts:
            return self._total(name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def check_targets(self, y, output_shape):
        self._loss.check_targets(y, output_shape)
        if self.class_id is not None and not 0 <= self.class_id < output_shape[-1]:
            raise ValueError(f"class_id must be from 0 to {output_shape[-1] - 1}; received {self.class_id!r}.")
        if self.top_k is not None and self.top_k > output_shape[-1]:
            raise ValueError(f"There are {output_shape[-1]} outputs; received top_k={self.top_k!r}.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        if self.top_k is not None and len(y_true.shape) == 1 and y_pred.shape == (len(y_true), 1):  # one row
            y_true, y_pred = y_true.reshape(1, -1), y_pred.reshape(1, -1)
            sample_weight = None if sample_weight is None else np.reshape(sample_weight, (1, -1))
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        t = self._loss.targets(y_true, y_pred.shape, y_pred.dtype)
        p = transfer.to_device(y_pred).reshape(-1, y_pred.shape[-1])
        if self.top_k is not None:
            p = transfer.to_device(_largest_alone(transfer.to_host(p), self.top_k))
        weights = None
        if is_per_number(sample_weight, y_pred):
            t, p, weights = self._each_number(t, p, sample_weight)
        else:
            if self.class_id is not None:
                chosen = slice(self.class_id, self.class_id + 1)
                p, t = transfer.to_device(np.ascontiguousarray(transfer.to_host(p)[:, chosen])), t[:, chosen].copy()
            if sample_weight is not None:
                weights = losses.weights_per_row(sample_weight, y_pred.shape[:-1], np.float64)
        t, weights = transfer.to_device(t), None if weights is None else transfer.to_device(weights)
        for (name, value), running in self._sums.items():
            running.add(weighted_sum.forward(getattr(op, name)(p, t, value), weights))

    def _each_number(self, t, p, sample_weight):
        """Targets, predictions and weights (N, K) as rows of one number each, of the chosen output alone."""
        chosen = slice(None) if self.class_id is None else slice(self.class_id, self.class_id + 1)
        weights = np.broadcast_to(np.asarray(sample_weight, np.float64).reshape(-1, p.shape[1]), p.shape)
        columns = [
            np.ascontiguousarray(part[:, chosen]) for part in (transfer.to_host(t), transfer.to_host(p), weights)
        ]
        t, p, weights = (column.reshape(-1, 1) for column in columns)
        return t, transfer.to_device(p), weights.reshape(-1)

    def _total(self, name):
        return np.array([self._sums[name, value].total() for value in self._values])

    def value(self) -> np.ndarray:
        """The result for each threshold."""
        return self._total(self.counts[0])

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

    counts, larger_is_better = ("true_positives",), True


@registry.add("false_positives")
class FalsePositives(_Counts):
    """The count of numbers above the threshold whose target is not positive."""

    counts, larger_is_better = ("false_positives",), False


@registry.add("true_negatives")
class TrueNegatives(_Counts):
    """The count of numbers not above the threshold whose target is not positive."""

    counts, larger_is_better = ("true_negatives",), True


@registry.add("false_negatives")
class FalseNegatives(_Counts):
    """The count of numbers not above the threshold whose target is positive."""

    counts, larger_is_better = ("false_negatives",), False


class _Share(_Counts):
    """The first of two counts divided by the sum of both."""

    larger_is_better = True

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.top_k = None if top_k is None else checked_count(top_k, "top_k")
        self.class_id = class_id
        super().__init__(thresholds, name, dtype)

    def value(self):
        first, second = self._total(self.counts[0]), self._total(self.counts[1])
        return np.divide(first, first + second, out=np.zeros_like(first), where=first + second > 0)


@registry.add("precision")
class Precision(_Share):
    """The share of the numbers above the threshold whose target is positive; 0 if no number is above."""

    counts = ("true_positives", "false_positives")


@registry.add("recall")
class Recall(_Share):
    """The share of the numbers with a positive target that are above the threshold; 0 if no target is positive."""

    counts = ("true_positives", "false_negatives")

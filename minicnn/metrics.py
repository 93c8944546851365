"""Metrics as Keras names them: running means over the batches of an epoch."""

from __future__ import annotations

import inspect
import math

import numpy as np

from . import config, losses
from .ops import metric as op
from .ops import total, transfer
from .registry import Configurable, Registry, missing_name, snake_case
from .registry import serialize as registry_serialize
from .results import Number
from .running_mean import RunningMean, RunningSum
from .shapes import is_positive_integer
from .variable import Variable

registry = Registry("metric")


class Metric(Configurable):
    """Base class: `update_state` takes a batch, `result` gives the value so far, `reset_state` starts anew."""

    larger_is_better: bool | None = None
    """Which way is better: what `EarlyStopping` goes by. None if it depends."""

    takes_arrays_of_the_backend = False
    """Whether `update_state` takes predictions where the backend left them; otherwise it gets NumPy arrays."""

    _not_in_config = ("dtype",)

    def __init__(self, name=None, dtype=None):
        self.name = name or snake_case(type(self).__name__)
        self.dtype = config.checked_float_type(dtype or config.floatx())
        self._variables: list[Variable] = []

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not define update_state.")

    def result(self) -> float:
        raise NotImplementedError(f"{type(self).__name__} does not define result.")

    def reset_state(self) -> None:
        """Start anew: by default every variable at zero."""
        if not self._variables:
            raise NotImplementedError(f"{type(self).__name__} does not define reset_state.")
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape))

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None) -> Variable:
        """For a metric of one's own: a number or an array to count in."""
        variable = Variable(initializer or "zeros", shape, dtype or self.dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """What `add_weight` has made."""
        return list(self._variables)

    def check_targets(self, y: np.ndarray, output_shape) -> None:
        """ValueError unless the targets suit the outputs; by default anything goes."""

    def __call__(self, *batch, **named) -> float:
        """Take a batch, as `update_state` does, and give the value so far."""
        self.update_state(*batch, **named)
        return self.result()


@registry.add("mean")
class Mean(Metric):
    """The weighted mean of the values given."""

    def __init__(self, name="mean", dtype=None):
        super().__init__(name, dtype)
        self.reset_state()

    def reset_state(self):
        self._mean = RunningMean()

    def update_state(self, values, sample_weight=None):
        values = np.asarray(values, np.float64)
        if sample_weight is None:
            self._mean.add(float(values.sum()), values.size)
            return
        weights = np.asarray(sample_weight, np.float64)
        values = values.mean(
            axis=tuple(range(weights.ndim, values.ndim))
        )  # several numbers with one weight count as one
        weights = np.broadcast_to(weights, values.shape)
        self._mean.add(float((values * weights).sum()), float(weights.sum()))

    def result(self):
        return Number(self._mean.result())


class _MeanOfRows(Mean):
    """The mean of one number per row; subclasses define `rows`."""

    default_name = ""
    takes_arrays_of_the_backend = True

    def __init__(self, name=None, dtype=None):
        super().__init__(name or self.default_name, dtype)

    def __init_subclass__(cls, **kwargs):
        """Whoever replaces `update_state` is not asked to know about other arrays than NumPy's."""
        super().__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__:
            cls.takes_arrays_of_the_backend = False

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        values = self.rows(y_true, y_pred)
        if sample_weight is None:
            self._mean.add(total.forward(values), values.size)
            return
        weights = losses.spread_weights(sample_weight, y_pred.shape[:-1], np.float64)
        self._mean.add(total.forward(values, transfer.here(weights)), float(weights.sum()))

    def rows(self, y_true, y_pred):
        """A number for each row, (M,), where the backend in use computes."""
        raise NotImplementedError(f"{type(self).__name__} does not define rows.")


class _Accuracy(_MeanOfRows):
    """A count of right rows; its targets have the form that the loss of the same kind takes."""

    loss: losses.Loss
    larger_is_better = True

    def check_targets(self, y, output_shape):
        self.loss.check_targets(y, output_shape)

    def _rows_and_targets(self, y_true, y_pred):
        targets = self.loss.targets(y_true, y_pred.shape, y_pred.dtype)
        return transfer.here(y_pred).reshape(-1, y_pred.shape[-1]), transfer.here(targets)


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

    def __init__(self, name=None, dtype=None, threshold=0.5):
        super().__init__(name, dtype)
        self.threshold = threshold

    def rows(self, y_true, y_pred):
        return op.binary_accuracy(*self._rows_and_targets(y_true, y_pred), self.threshold)


@registry.add("top_k_categorical_accuracy")
class TopKCategoricalAccuracy(_Accuracy):
    """The share of rows in which the output at the largest target is among the k largest; ties count as among them."""

    default_name = "top_k_categorical_accuracy"
    loss = losses.CategoricalCrossentropy()

    def __init__(self, k=5, name=None, dtype=None):
        super().__init__(name, dtype)
        self.k = _checked_count(k, "k")

    def rows(self, y_true, y_pred):
        return op.top_k(*self._rows_and_targets(y_true, y_pred), self.k)


@registry.add("sparse_top_k_categorical_accuracy")
class SparseTopKCategoricalAccuracy(_Accuracy):
    """The share of rows in which the output at the label is among the k largest; ties count as among them."""

    default_name = "sparse_top_k_categorical_accuracy"
    loss = losses.SparseCategoricalCrossentropy()

    def __init__(self, k=5, name=None, dtype=None):
        super().__init__(name, dtype)
        self.k = _checked_count(k, "k")

    def rows(self, y_true, y_pred):
        return op.sparse_top_k(*self._rows_and_targets(y_true, y_pred), self.k)


def _checked_count(value, label):
    if not is_positive_integer(value):
        raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
    return int(value)


class _Counts(Metric):
    """Counts of right and wrong positives and negatives: numbers above a threshold count as positive.

    thresholds: one number, or a list of them, for which `result` gives an array. With top_k only a row's k largest can
    count as positive, and without thresholds all of them do. With class_id only that output counts.
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
                raise ValueError(f"thresholds must lie between 0 and 1; received thresholds={thresholds!r}.")
        self.reset_state()

    def reset_state(self):
        self._sums = {(name, value): RunningSum() for name in self.counted for value in self._values}

    def check_targets(self, y, output_shape):
        self._loss.check_targets(y, output_shape)
        if self.class_id is not None and not 0 <= self.class_id < output_shape[-1]:
            raise ValueError(f"class_id must be one of {output_shape[-1]} outputs; received {self.class_id!r}.")
        if self.top_k is not None and self.top_k > output_shape[-1]:
            raise ValueError(f"There are {output_shape[-1]} outputs; received top_k={self.top_k!r}.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        t = self._loss.targets(y_true, y_pred.shape, y_pred.dtype)
        p = transfer.here(y_pred).reshape(-1, y_pred.shape[-1])
        if self.top_k is not None:
            p = transfer.here(_largest_alone(transfer.to_host(p), self.top_k))
        if self.class_id is not None:
            chosen = slice(self.class_id, self.class_id + 1)
            p, t = transfer.here(np.ascontiguousarray(transfer.to_host(p)[:, chosen])), t[:, chosen].copy()
        t, weights = transfer.here(t), None
        if sample_weight is not None:
            weights = transfer.here(losses.spread_weights(sample_weight, y_pred.shape[:-1], np.float64))
        for (name, value), running in self._sums.items():
            running.add(total.forward(getattr(op, name)(p, t, value), weights))

    def _total(self, name):
        return np.array([self._sums[name, value].total() for value in self._values])

    def value(self) -> np.ndarray:
        """The result for each threshold."""
        return self._total(self.counted[0])

    def result(self):
        values = self.value()
        return values if isinstance(self.thresholds, (list, tuple)) else Number(values[0])


def _largest_alone(p, k):
    """p with minus infinity for all but each row's k largest; of equal ones the first are larger."""
    largest = np.argsort(-p, axis=1, kind="stable")[:, :k]
    alone = np.full_like(p, -np.inf)
    np.put_along_axis(alone, largest, np.take_along_axis(p, largest, axis=1), axis=1)
    return alone


@registry.add("true_positives")
class TruePositives(_Counts):
    """How many numbers are rightly above the threshold."""

    counted, larger_is_better = ("true_positives",), True


@registry.add("false_positives")
class FalsePositives(_Counts):
    """How many numbers are wrongly above the threshold."""

    counted, larger_is_better = ("false_positives",), False


@registry.add("true_negatives")
class TrueNegatives(_Counts):
    """How many numbers are rightly not above the threshold."""

    counted, larger_is_better = ("true_negatives",), True


@registry.add("false_negatives")
class FalseNegatives(_Counts):
    """How many numbers are wrongly not above the threshold."""

    counted, larger_is_better = ("false_negatives",), False


class _Share(_Counts):
    """The first of two counts, as a share of both."""

    larger_is_better = True

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.top_k = None if top_k is None else _checked_count(top_k, "top_k")
        self.class_id = class_id
        super().__init__(thresholds, name, dtype)

    def value(self):
        first, second = self._total(self.counted[0]), self._total(self.counted[1])
        return np.divide(first, first + second, out=np.zeros_like(first), where=first + second > 0)


@registry.add("precision")
class Precision(_Share):
    """Which share of the numbers above the threshold is rightly there; 0 where there are none."""

    counted = ("true_positives", "false_positives")


@registry.add("recall")
class Recall(_Share):
    """Which share of the numbers that should be above the threshold is there; 0 where there are none."""

    counted = ("true_positives", "false_negatives")


class _MeanLoss(_MeanOfRows):
    """The mean of a loss, watched as a metric."""

    loss: losses.Loss
    larger_is_better = False

    def check_targets(self, y, output_shape):
        self.loss.check_targets(y, output_shape)

    def rows(self, y_true, y_pred):
        return self.loss.rows_here(y_true, y_pred).reshape(-1)


class _CrossEntropy(_MeanLoss):
    loss_class = losses.Loss

    def __init__(self, name=None, dtype=None, from_logits=False):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.loss = self.loss_class(from_logits)


@registry.add("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_CrossEntropy):
    """The mean sparse categorical cross-entropy."""

    default_name, loss_class = "sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy


@registry.add("categorical_crossentropy")
class CategoricalCrossentropy(_CrossEntropy):
    """The mean categorical cross-entropy."""

    default_name, loss_class = "categorical_crossentropy", losses.CategoricalCrossentropy


@registry.add("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(_CrossEntropy):
    """The mean binary cross-entropy."""

    default_name, loss_class = "binary_crossentropy", losses.BinaryCrossentropy


@registry.add("mean_squared_error", "mse", "MSE")
class MeanSquaredError(_MeanLoss):
    """The mean squared error."""

    default_name, loss = "mean_squared_error", losses.MeanSquaredError()


@registry.add("mean_absolute_error", "mae", "MAE")
class MeanAbsoluteError(_MeanLoss):
    """The mean absolute error."""

    default_name, loss = "mean_absolute_error", losses.MeanAbsoluteError()


@registry.add("root_mean_squared_error")
class RootMeanSquaredError(_MeanLoss):
    """The square root of the mean squared error."""

    default_name, loss = "root_mean_squared_error", losses.MeanSquaredError()

    def result(self):
        return Number(math.sqrt(super().result()))


@registry.add("mean_absolute_percentage_error", "mape", "MAPE")
class MeanAbsolutePercentageError(_MeanLoss):
    """The mean absolute error in percent of the target."""

    default_name, loss = "mean_absolute_percentage_error", losses.MeanAbsolutePercentageError()


@registry.add("mean_squared_logarithmic_error", "msle", "MSLE")
class MeanSquaredLogarithmicError(_MeanLoss):
    """The mean squared difference of log(p + 1) and log(t + 1)."""

    default_name, loss = "mean_squared_logarithmic_error", losses.MeanSquaredLogarithmicError()


@registry.add("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")
class KLDivergence(_MeanLoss):
    """The mean of sum t log(t / p)."""

    default_name, loss = "kl_divergence", losses.KLDivergence()


@registry.add("poisson")
class Poisson(_MeanLoss):
    """The mean of p - t log p."""

    default_name, loss = "poisson", losses.Poisson()


@registry.add("logcosh", "log_cosh")
class LogCoshError(_MeanLoss):
    """The mean of log(cosh(p - t))."""

    default_name, loss = "logcosh", losses.LogCosh()


@registry.add("hinge")
class Hinge(_MeanLoss):
    """The mean of max(1 - t p, 0)."""

    default_name, loss = "hinge", losses.Hinge()


@registry.add("squared_hinge")
class SquaredHinge(_MeanLoss):
    """The mean of max(1 - t p, 0)^2."""

    default_name, loss = "squared_hinge", losses.SquaredHinge()


class MeanOfFunction(_MeanOfRows):
    """The mean of what a function of a batch (y_true, y_pred) returns: a number per row, or one for the batch."""

    takes_arrays_of_the_backend = False

    def __init__(self, function, name=None):
        super().__init__(name or function.__name__)
        self.function = function

    def rows(self, y_true, y_pred):
        values = np.asarray(self.function(y_true, y_pred), np.float64)
        if values.shape == y_pred.shape:  # a number for each output: their mean for each row
            values = values.mean(axis=-1)
        return transfer.here(values.reshape(-1))


def _of_rows(metric, y_true, y_pred) -> np.ndarray:
    """A metric's number for every row of predictions y_pred (N, ..., K), in their shape (N, ...)."""
    y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
    losses.check_lengths(y_true, y_pred)
    metric.check_targets(y_true, y_pred.shape)
    return np.array(transfer.to_host(metric.rows(y_true, y_pred))).reshape(y_pred.shape[:-1])


def binary_accuracy(y_true, y_pred, threshold=0.5) -> np.ndarray:
    """For every row the share of its numbers on their target's side of the threshold."""
    return _of_rows(BinaryAccuracy(threshold=threshold), y_true, y_pred)


def categorical_accuracy(y_true, y_pred) -> np.ndarray:
    """For every row 1 where the largest output is at the largest target, else 0."""
    return _of_rows(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true, y_pred) -> np.ndarray:
    """For every row 1 where the largest output is at the label, else 0."""
    return _of_rows(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true, y_pred, k=5) -> np.ndarray:
    """For every row 1 where the output at the largest target is among the k largest, else 0."""
    return _of_rows(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5) -> np.ndarray:
    """For every row 1 where the output at the label is among the k largest, else 0."""
    return _of_rows(SparseTopKCategoricalAccuracy(k), y_true, y_pred)


# Keras has the losses' functions here too.
binary_crossentropy, categorical_crossentropy = losses.binary_crossentropy, losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy
mean_squared_error, mean_absolute_error = losses.mean_squared_error, losses.mean_absolute_error
mean_absolute_percentage_error = losses.mean_absolute_percentage_error
mean_squared_logarithmic_error = losses.mean_squared_logarithmic_error
huber, log_cosh, kl_divergence, poisson = losses.huber, losses.log_cosh, losses.kl_divergence, losses.poisson
hinge, squared_hinge = losses.hinge, losses.squared_hinge

_ACCURACY = ("accuracy", "acc")
_BY_OUTPUT = (*_ACCURACY, "crossentropy", "ce")


def get(identifier, loss=None, y_shape=None, output_shape=None):
    """A metric from its name, its configuration, its class, a loss function or itself.

    "accuracy" (or "acc") and "crossentropy" (or "ce") depend on the model: binary where it has one output, on labels
    where targets are labels, else categorical; they need y_shape and output_shape. A named metric keeps its given name.
    """
    if isinstance(identifier, str) and identifier in _BY_OUTPUT:
        kind = "Accuracy" if identifier in _ACCURACY else "Crossentropy"
        if output_shape[-1] == 1:
            name = f"Binary{kind}"
        elif len(y_shape) == len(output_shape) and y_shape[-1] == output_shape[-1]:
            name = f"Categorical{kind}"
        else:
            name = f"SparseCategorical{kind}"
        arguments = {"from_logits": True} if kind == "Crossentropy" and loss and loss.from_logits else {}
        return registry.find(name)(name=identifier, **arguments)
    if isinstance(identifier, str):
        if identifier not in registry.entries:
            _registry_with_shortcuts().find(identifier)
        return registry.find(identifier)(name=identifier)
    if callable(identifier) and identifier in losses.FUNCTIONS and identifier.__name__ in registry.entries:
        return registry.find(identifier.__name__)(name=identifier.__name__)
    if inspect.isfunction(identifier):
        return MeanOfFunction(identifier)
    metric = registry.get(identifier)
    if not isinstance(metric, Metric):
        raise ValueError(f"A metric is a name or a minicnn.metrics.Metric; received {identifier!r}.")
    return metric


def _registry_with_shortcuts():
    """The registry, with the names that depend on the model, for the sentence about an unknown one."""
    everything = Registry("metric")
    everything.entries = {**registry.entries, **dict.fromkeys(_BY_OUTPUT)}
    return everything


def serialize(metric) -> dict:
    """A metric as {"class_name", "config"}."""
    return registry_serialize(metric)


def deserialize(config, custom_objects=None):
    """A metric from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)

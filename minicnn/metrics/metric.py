"""The base class of metrics, and the running mean that most metrics are."""

from __future__ import annotations

import functools

import numpy as np

from .. import config, losses
from ..nest import flatten
from ..registry import Configurable, Registry, automatic_name
from ..results import Number
from ..running_mean import RunningMean
from ..runtime import transfer, weighted_sum
from ..shapes import is_positive_integer
from ..symbol import drawing, is_symbolic
from ..variable import Variable

registry = Registry("metric")


class Metric(Configurable):
    """Base class: `update_state` takes a batch, `result` gives the value so far, `reset_state` starts again."""

    larger_is_better: bool | None = None
    """Whether a larger value is better; `EarlyStopping` uses this. None if it depends."""

    takes_arrays_of_the_backend = False
    """Whether `update_state` takes predictions as the backend's arrays. If not, it gets NumPy arrays."""

    def __init_subclass__(cls, **kwargs):
        """Let `update_state` be called on symbols, in the `call` of a layer."""
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _also_of_symbols(cls.update_state)

    def __init__(self, name=None, dtype=None):
        self.name = name or automatic_name(type(self).__name__)
        self.dtype = config.checked_float_type(dtype or config.floatx())
        self._variables: list[Variable] = []

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not define update_state.")

    def result(self) -> float:
        raise NotImplementedError(f"{type(self).__name__} does not define result.")

    def reset_state(self) -> None:
        """Start again. By default every variable is set to zero."""
        if not self._variables:
            raise NotImplementedError(f"{type(self).__name__} does not define reset_state.")
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape))

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None) -> Variable:
        """Make a variable to count in, for your own metric."""
        variable = Variable(initializer or "zeros", shape, dtype or self.dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """What the metric counts in: the variables that `add_weight` made, those in attributes, those of metrics in
        attributes, and copies of minicnn's own numbers."""
        own = [Variable(value, dtype=self.dtype, trainable=False, name=name) for name, value in self.counted().items()]
        held = [value for name, value in vars(self).items() if name != "_variables"]
        parts = [part for part in flatten(held) if isinstance(part, (Variable, Metric))]
        inner = [v for part in parts for v in (part.variables if isinstance(part, Metric) else [part])]
        return [*{id(v): v for v in [*self._variables, *inner]}.values(), *own]

    def counted(self) -> dict:
        """{name: number or array} of what has been counted so far, with Keras's names of the variables."""
        return {}

    def check_targets(self, y: np.ndarray, output_shape) -> None:
        """Raise ValueError if the targets do not fit the outputs. By default all targets are allowed."""

    def __call__(self, *batch, **named) -> float:
        """Take a batch, as `update_state` does, and return the value so far."""
        self.update_state(*batch, **named)
        return self.result()


def _also_of_symbols(update_state):
    """An `update_state` that in a `call` does nothing yet: it becomes a step of the graph, which runs in every pass."""

    @functools.wraps(update_state)
    def update(self, *given, **named):
        if drawing() is not None and is_symbolic([given, named]):
            drawing().update_metric(self, given, named)
            return None
        return update_state(self, *given, **named)

    return update


def weighted_numbers(values, sample_weight, reduce) -> tuple[np.ndarray, np.ndarray]:
    """(values * weights, weights) in one shape: `reduce` makes one number of those that share a weight. ValueError if
    the weights' shape does not fit."""
    weights, given = np.asarray(sample_weight, np.float64), np.shape(sample_weight)
    while weights.ndim > values.ndim and weights.shape[-1] == 1:
        weights = weights[..., 0]
    values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    try:
        weights = np.broadcast_to(weights, values.shape)
    except ValueError:
        raise ValueError(f"Sample weights of shape {given} do not fit values of shape {values.shape}.") from None
    return values * weights, weights


@registry.add("mean")
class Mean(Metric):
    """The weighted mean of the values given."""

    def __init__(self, name="mean", dtype=None):
        super().__init__(name, dtype)
        self.reset_state()

    def reset_state(self):
        self._mean = RunningMean()

    def counted(self):
        return {"total": self._mean.total(), "count": self._mean.weight}

    def update_state(self, values, sample_weight=None):
        values = np.asarray(values, np.float64)
        if sample_weight is None:
            values = values.mean(axis=tuple(range(1, values.ndim)))
            self._mean.add(float(values.sum()), values.size)
            return
        values, weights = weighted_numbers(values, sample_weight, np.mean)
        total, weight = (part.mean(axis=tuple(range(1, part.ndim))).sum() for part in (values, weights))
        self._mean.add(float(total), float(weight))

    def result(self):
        return Number(self._mean.result())


@registry.add("sum")
class Sum(Metric):
    """The weighted sum of the values given."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(name, dtype)
        self.reset_state()

    def reset_state(self):
        self._total = 0.0

    def update_state(self, values, sample_weight=None):
        values = np.asarray(values, np.float64)
        if sample_weight is not None:
            values, _ = weighted_numbers(values, sample_weight, np.sum)
        self._total += float(values.sum())

    def counted(self):
        return {"total": self._total}

    def result(self):
        return Number(self._total)


class MeanOfRows(Mean):
    """The mean of one number per row; subclasses define `rows`."""

    default_name = ""
    takes_arrays_of_the_backend = True
    has_a_value_per_number = False
    """Whether each number of a row has a value, of which the row's is the mean. Then each may have a weight, too."""

    def __init__(self, name=None, dtype=None):
        super().__init__(name or self.default_name, dtype)

    def __init_subclass__(cls, **kwargs):
        """Give NumPy arrays to a subclass that replaces `update_state`, so that it need not know the backend's."""
        super().__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__:
            cls.takes_arrays_of_the_backend = False

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        share = 1.0  # of a row that a value stands for
        if self.has_a_value_per_number and is_per_number(sample_weight, y_pred):
            share = 1 / y_pred.shape[-1]
            y_true, y_pred, sample_weight = each_number(y_true, y_pred, sample_weight)
        values = self.rows(y_true, y_pred)
        if sample_weight is None:
            self._mean.add(weighted_sum.forward(values), values.size)
            return
        weights = losses.weights_per_row(sample_weight, y_pred.shape[:-1], np.float64) * share
        counted = self.counted_rows(y_true)
        weights = weights if counted is None else weights * counted
        self._mean.add(weighted_sum.forward(values, transfer.to_device(weights)), float(weights.sum()))

    def counted_rows(self, y_true) -> np.ndarray | None:
        """Which rows have a weight, if weights are given: (M,) booleans, or None for all."""
        return None

    def rows(self, y_true, y_pred):
        """A number for each row, (M,), as an array of the backend in use."""
        raise NotImplementedError(f"{type(self).__name__} does not define rows.")


class MeanMetricWrapper(MeanOfRows):
    """The mean of what a function of (y_true, y_pred) returns: a number per row, or one number for the batch."""

    takes_arrays_of_the_backend = False

    def __init__(self, fn, name=None, dtype=None, **arguments):
        super().__init__(name or fn.__name__, dtype)
        self.fn, self.arguments = fn, arguments

    def get_config(self):
        return {"fn": self.fn, "name": self.name, **self.arguments}

    def rows(self, y_true, y_pred):
        values = np.asarray(self.fn(y_true, y_pred, **self.arguments), np.float64)
        if values.shape == y_pred.shape:  # a number for each output: their mean for each row
            values = values.mean(axis=-1)
        return transfer.to_device(values.reshape(-1))


def is_per_number(sample_weight, y_pred) -> bool:
    """Whether there is a weight for each number of a row of predictions (N, ..., K), not only for each row."""
    weights = np.shape(sample_weight) if sample_weight is not None else ()
    return len(weights) == len(y_pred.shape) > 1 and weights[-1] == y_pred.shape[-1] > 1


def each_number(y_true, y_pred, sample_weight):
    """Targets, predictions and weights (N, ..., K) as rows of one number each."""
    weights = np.broadcast_to(np.asarray(sample_weight, np.float64), y_pred.shape)
    return y_true.reshape(-1, 1), y_pred.reshape(-1, 1), weights.reshape(-1)


def checked_count(value, label):
    if not is_positive_integer(value):
        raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
    return int(value)

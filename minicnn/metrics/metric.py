"""The base class of metrics, and the running mean that most metrics are."""

from __future__ import annotations

import numpy as np

from .. import config, losses
from ..registry import Configurable, Registry, snake_case
from ..results import Number
from ..running_mean import RunningMean
from ..runtime import transfer, weighted_sum
from ..shapes import is_positive_integer
from ..variable import Variable

registry = Registry("metric")


class Metric(Configurable):
    """Base class: `update_state` takes a batch, `result` gives the value so far, `reset_state` starts again."""

    larger_is_better: bool | None = None
    """Whether a larger value is better; `EarlyStopping` uses this. None if it depends."""

    takes_arrays_of_the_backend = False
    """Whether `update_state` takes predictions as the backend's arrays. If not, it gets NumPy arrays."""

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
        """The variables that `add_weight` made."""
        return list(self._variables)

    def check_targets(self, y: np.ndarray, output_shape) -> None:
        """Raise ValueError if the targets do not fit the outputs. By default all targets are allowed."""

    def __call__(self, *batch, **named) -> float:
        """Take a batch, as `update_state` does, and return the value so far."""
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
        )  # numbers that share a weight count as one number, their mean
        weights = np.broadcast_to(weights, values.shape)
        self._mean.add(float((values * weights).sum()), float(weights.sum()))

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
            weights = np.asarray(sample_weight, np.float64)
            weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
            values = values * weights
        self._total += float(values.sum())

    def result(self):
        return Number(self._total)


class MeanOfRows(Mean):
    """The mean of one number per row; subclasses define `rows`."""

    default_name = ""
    takes_arrays_of_the_backend = True

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
        values = self.rows(y_true, y_pred)
        if sample_weight is None:
            self._mean.add(weighted_sum.forward(values), values.size)
            return
        weights = losses.weights_per_row(sample_weight, y_pred.shape[:-1], np.float64)
        self._mean.add(weighted_sum.forward(values, transfer.to_device(weights)), float(weights.sum()))

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


def checked_count(value, label):
    if not is_positive_integer(value):
        raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
    return int(value)

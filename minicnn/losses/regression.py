"""Losses of numbers: how far predictions are from their targets."""

from __future__ import annotations

import numpy as np

from .base import Loss, registry


@registry.add("mean_squared_error", "mse", "MSE")
class MeanSquaredError(Loss):
    """Mean over the last axis of (p - t)^2."""

    broadcasts_targets = True
    operation = "mean_squared_error"


@registry.add("mean_absolute_error", "mae", "MAE")
class MeanAbsoluteError(Loss):
    """Mean over the last axis of |p - t|."""

    broadcasts_targets = True
    operation = "mean_absolute_error"


@registry.add("mean_absolute_percentage_error", "mape", "MAPE")
class MeanAbsolutePercentageError(Loss):
    """100 times the mean over the last axis of |p - t| / |t|."""

    broadcasts_targets = True
    operation = "mean_absolute_percentage_error"


@registry.add("mean_squared_logarithmic_error", "msle", "MSLE")
class MeanSquaredLogarithmicError(Loss):
    """Mean over the last axis of (log(p + 1) - log(t + 1))^2."""

    broadcasts_targets = True
    operation = "mean_squared_logarithmic_error"


@registry.add("huber", "huber_loss")
class Huber(Loss):
    """Mean over the last axis of (p - t)^2 / 2, continued as a straight line where |p - t| is above delta."""

    broadcasts_targets = True
    operation = "huber"

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(reduction, name, dtype)
        if not delta > 0:
            raise ValueError(f"delta must be positive; received delta={delta!r}.")
        self.delta = delta

    def parameter(self):
        return self.delta


@registry.add("log_cosh", "logcosh")
class LogCosh(Loss):
    """Mean over the last axis of log(cosh(p - t))."""

    broadcasts_targets = True
    operation = "log_cosh"


def mean_squared_error(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return MeanSquaredError("none")(y_true, y_pred)


def mean_absolute_error(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return MeanAbsoluteError("none")(y_true, y_pred)


def mean_absolute_percentage_error(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return MeanAbsolutePercentageError("none")(y_true, y_pred)


def mean_squared_logarithmic_error(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return MeanSquaredLogarithmicError("none")(y_true, y_pred)


def huber(y_true, y_pred, delta=1.0) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Huber(delta, "none")(y_true, y_pred)


def log_cosh(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return LogCosh("none")(y_true, y_pred)

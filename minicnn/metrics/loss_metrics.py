"""Losses as metrics."""

from __future__ import annotations

import math

import numpy as np

from .. import losses
from ..results import Number
from ..runtime import transfer
from .metric import MeanOfRows, registry


class _MeanLoss(MeanOfRows):
    """The mean of a loss, as a metric."""

    loss: losses.Loss
    larger_is_better = False

    def check_targets(self, y, output_shape):
        self.loss.check_targets(y, output_shape)

    def counted_rows(self, y_true):
        return self.loss.counted_rows(y_true)

    def rows(self, y_true, y_pred):
        return self.loss.rows_on_device(y_true, y_pred).reshape(-1)


class _CrossEntropy(_MeanLoss):
    """options: arguments of the loss."""

    loss_class = losses.Loss

    def __init__(self, name, dtype, from_logits, **options):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.loss = self.loss_class(from_logits, **options)


@registry.add("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_CrossEntropy):
    """The mean sparse categorical cross-entropy. Rows of the label ignore_class count as 0, as in Keras."""

    default_name, loss_class = "sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy

    def __init__(self, name=None, dtype=None, from_logits=False, ignore_class=None, axis=-1):
        super().__init__(name, dtype, from_logits, ignore_class=ignore_class, axis=axis)
        self.ignore_class, self.axis = ignore_class, axis


@registry.add("categorical_crossentropy")
class CategoricalCrossentropy(_CrossEntropy):
    """The mean categorical cross-entropy."""

    default_name, loss_class = "categorical_crossentropy", losses.CategoricalCrossentropy

    def __init__(self, name=None, dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(name, dtype, from_logits, label_smoothing=label_smoothing, axis=axis)
        self.label_smoothing, self.axis = label_smoothing, axis


@registry.add("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(_CrossEntropy):
    """The mean binary cross-entropy."""

    default_name, loss_class = "binary_crossentropy", losses.BinaryCrossentropy

    def __init__(self, name=None, dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(name, dtype, from_logits, label_smoothing=label_smoothing)
        self.label_smoothing = label_smoothing


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


@registry.add("categorical_hinge")
class CategoricalHinge(_MeanLoss):
    """The mean of max(0, 1 + the largest of the wrong classes - the right one)."""

    default_name, loss = "categorical_hinge", losses.CategoricalHinge()


@registry.add("cosine_similarity")
class CosineSimilarity(MeanOfRows):
    """The mean cosine of the angle between targets and predictions: 1 for equal directions."""

    larger_is_better = True

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(name, dtype)
        self.axis = axis

    def rows(self, y_true, y_pred):
        return transfer.to_device(
            -np.asarray(losses.cosine_similarity(y_true, transfer.to_host(y_pred), self.axis)).reshape(-1)
        )

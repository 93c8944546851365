"""How well predictions follow targets: the correlations of Pearson and of Lin."""

from __future__ import annotations

import numpy as np

from .. import config, losses
from ..runtime import transfer
from .metric import MeanOfRows, registry


def _centred(y_true, y_pred, axis):
    """(targets and predictions minus their means, the means, the mean squares), in float64."""
    parts = [np.asarray(part, np.float64) for part in (y_true, y_pred)]
    means = [part.mean(axis=axis, keepdims=True) for part in parts]
    rest = [part - mean for part, mean in zip(parts, means, strict=True)]
    return rest, means, [np.square(part).mean(axis=axis, keepdims=True) for part in rest]


def pearson_correlation(y_true, y_pred, axis=-1):
    """The mean of t p, for targets and predictions brought to mean 0 and deviation 1 along an axis: from -1 to 1."""
    (t, p), _, (t_square, p_square) = _centred(y_true, y_pred, axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _as_given((t * p / np.sqrt(t_square * p_square)).mean(axis=axis), y_pred)


def concordance_correlation(y_true, y_pred, axis=-1):
    """2 cov(t, p) / (var t + var p + (mean t - mean p)^2): 1 if predictions are the targets themselves.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.
    """
    (t, p), (t_mean, p_mean), (t_square, p_square) = _centred(y_true, y_pred, axis)
    shares = 2 * t * p / (t_square + p_square + np.square(t_mean - p_mean) + config.epsilon())
    return _as_given(shares.mean(axis=axis), y_pred)


def _as_given(values, y_pred):
    return values.astype(losses.float_array(y_pred).dtype)


class _Correlation(MeanOfRows):
    """The mean over the rows of a correlation along `axis`."""

    larger_is_better = True
    takes_arrays_of_the_backend = False

    def __init__(self, name=None, dtype=None, axis=-1):
        super().__init__(name, dtype)
        self.axis = axis

    def rows(self, y_true, y_pred):
        values = type(self).correlation(y_true, y_pred, self.axis)
        return transfer.to_device(np.ascontiguousarray(values.reshape(-1)))


@registry.add("pearson_correlation")
class PearsonCorrelation(_Correlation):
    """The mean of `pearson_correlation`."""

    default_name, correlation = "pearson_correlation", staticmethod(pearson_correlation)


@registry.add("concordance_correlation")
class ConcordanceCorrelation(_Correlation):
    """The mean of `concordance_correlation`."""

    default_name, correlation = "concordance_correlation", staticmethod(concordance_correlation)

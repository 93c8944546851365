"""The losses that have a kernel, made of functions of `minicnn.ops`: for targets that themselves depend on weights.

The kernels of `ops/loss` compute the gradient of the predictions only. In a loss between two parts of a network both
sides learn: mean_squared_error(first(x), second(x)).
"""

from __future__ import annotations

from .. import config
from ..activation_functions import of_ops

_abs, _clip, _cross_entropy = of_ops("abs"), of_ops("clip"), of_ops("categorical_crossentropy")
_binary, _log, _log1p, _maximum = of_ops("binary_crossentropy"), of_ops("log"), of_ops("log1p"), of_ops("maximum")
_mean, _softplus, _square, _sum, _where = (of_ops(name) for name in ("mean", "softplus", "square", "sum", "where"))


def _kl_divergence(t, p, loss):
    t, p = _clip(t, config.epsilon(), 1.0), _clip(p, config.epsilon(), 1.0)
    return _sum(t * _log(t / p), axis=-1)


def _huber(t, p, loss):
    error, delta = _abs(p - t), loss.delta
    return _where(error <= delta, 0.5 * _square(error), delta * error - 0.5 * delta**2)


def _log_cosh(t, p, loss):
    error = p - t
    return error + _softplus(-2.0 * error) - 0.6931471805599453  # log 2


def _squared_logarithmic(t, p, loss):
    t, p = _maximum(t, config.epsilon()), _maximum(p, config.epsilon())
    return _square(_log1p(p) - _log1p(t))


_IN_MEAN = {  # one number for each output; the loss of a row is their mean
    "mean_squared_error": lambda t, p, loss: _square(p - t),
    "mean_absolute_error": lambda t, p, loss: _abs(p - t),
    "mean_absolute_percentage_error": lambda t, p, loss: 100.0 * _abs((t - p) / _maximum(_abs(t), config.epsilon())),
    "mean_squared_logarithmic_error": _squared_logarithmic,
    "huber": _huber,
    "log_cosh": _log_cosh,
    "poisson": lambda t, p, loss: p - t * _log(p + config.epsilon()),
    "hinge": lambda t, p, loss: _maximum(1.0 - t * p, 0.0),
    "squared_hinge": lambda t, p, loss: _square(_maximum(1.0 - t * p, 0.0)),
    "binary_cross_entropy": lambda t, p, loss: _binary(t, p, from_logits=loss.from_logits),
}
_OF_ROWS = {
    "categorical_cross_entropy": lambda t, p, loss: _cross_entropy(t, p, from_logits=loss.from_logits),
    "kl_divergence": _kl_divergence,
}


def composed(loss, t, p):
    """The loss of every row as a symbol, for those of targets and predictions (N, ..., K). Targets may broadcast."""
    if loss.operation in _OF_ROWS:
        return _OF_ROWS[loss.operation](t, p, loss)
    return _mean(_IN_MEAN[loss.operation](t, p, loss), axis=-1)

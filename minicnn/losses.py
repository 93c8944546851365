"""Losses as Keras names them: objects for `compile`, functions for arrays.

A loss flattens predictions (N, ..., K) to rows (M, K) and gives one number per row; `fit` takes their mean, each
row weighted by its sample's weight. Where the loss joins the activation that the model ends in (softmax with
cross-entropy, sigmoid with binary cross-entropy), the trainer hands over logits instead of probabilities.
"""

from __future__ import annotations

import math

import numpy as np

from . import config
from .ops import loss as op
from .registry import Configurable, Registry, missing_name, snake_case
from .registry import serialize as registry_serialize
from .results import Array, Number
from .runtime import transfer

registry = Registry("loss")
_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class Loss(Configurable):
    """Base class of losses.

    `operation` is the operation on predictions, `logits_operation` the one on logits (or None). `sparse` says that
    targets are integer labels.
    """

    operation: str = ""
    logits_operation: str | None = None
    sparse = False
    from_logits = False

    def __init__(self, reduction="sum_over_batch_size", name=None):
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f'reduction must be "sum_over_batch_size" (or "mean"), "mean_with_sample_weight", "sum" or "none"; '
                f"received {reduction!r}."
            )
        self.reduction = reduction
        self.name = name or snake_case(type(self).__name__)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of predictions y_pred (N, ..., K): a float, or one number per row with reduction "none"."""
        losses = self.rows(y_true, y_pred).view(Array)
        if self.reduction in ("none", None):
            if sample_weight is None:
                return losses
            return losses * spread_weights(sample_weight, losses.shape, losses.dtype).reshape(losses.shape)
        return Number(losses.reshape(-1) @ self.shares(np.asarray(y_true), sample_weight, losses.shape, losses.dtype))

    def shares(self, y: np.ndarray, weights, shape: tuple, dtype) -> np.ndarray:
        """Each row's share in the loss of a batch, for rows of losses of `shape` and the samples' weights or None.

        The rows' weights, 1 unless given and 0 for those that do not count, divided by the number of rows that count
        for the mean, or by the sum of weights for the mean with sample weights.
        """
        counted = self.counted_rows(y)
        shares = np.ones(math.prod(shape), dtype) if weights is None else spread_weights(weights, shape, dtype)
        if counted is not None:
            shares = shares * counted
        if self.reduction == "sum":
            return shares
        rows = shares.size if counted is None else counted.sum()
        divisor = shares.sum() if self.reduction == "mean_with_sample_weight" else rows
        return shares / shares.dtype.type(divisor or 1)

    def rows(self, y_true, y_pred) -> np.ndarray:
        """The loss of every row, of shape (N, ...). ValueError if targets and predictions do not suit each other."""
        return transfer.to_host(self.rows_here(np.asarray(y_true), float_array(y_pred)))

    def rows_here(self, y_true, y_pred):
        """The same, of checked arrays, left where the backend in use computes; y_pred may lie there already."""
        check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        targets = transfer.here(self.targets(y_true, y_pred.shape, y_pred.dtype))
        losses, _ = self.forward(targets, transfer.here(y_pred), need_saved=False)
        return losses.reshape(y_pred.shape[:-1])

    def joins(self, activation: str | None) -> bool:
        """Whether the loss is computed together with the activation ("softmax", "sigmoid") that a model ends in.

        As in Keras, cross-entropies take the logits of either, and also where from_logits was said by mistake.
        """
        return activation is not None and self.logits_operation is not None

    def forward(self, targets, y_pred, logits=False, need_saved=True):
        """losses (M,) of predictions or logits (N, ..., K) against what `targets` made; and what backward needs."""
        operation = self.logits_operation if logits or self.from_logits else self.operation
        rows = y_pred.reshape(-1, y_pred.shape[-1])
        losses, saved = op.forward(operation, rows, targets, self.parameter(), need_saved)
        return losses, (operation, saved, y_pred.shape)

    def parameter(self) -> float:
        """The operation's parameter: what keeps numbers from zero, unless a loss has another."""
        return config.epsilon()

    def backward(self, dlosses, saved):
        """The gradient of the predictions or logits for the upstream gradient dlosses (M,)."""
        operation, op_saved, shape = saved
        return op.backward(operation, dlosses, op_saved).reshape(shape)

    def targets(self, y, output_shape, dtype) -> np.ndarray:
        """A batch of targets as the operation takes them: labels (M,), or numbers (M, K) of the given type."""
        if self.sparse:
            return np.ascontiguousarray(y.reshape(-1), np.int64)
        return np.ascontiguousarray(y.reshape(-1, output_shape[-1]), dtype)

    def counted_rows(self, y: np.ndarray) -> np.ndarray | None:
        """Which rows of a batch of targets count in the loss, (M,) booleans; None for all."""
        return None

    def check_targets(self, y: np.ndarray, output_shape) -> None:
        """ValueError unless the targets y (N, ...) suit outputs of `output_shape` (N, ..., K), N aside."""
        name, K = type(self).__name__, output_shape[-1]
        rows = tuple(output_shape[1:-1])
        if y.dtype.kind not in "buif":
            raise ValueError(f"{name} needs numbers as targets; received an array of type {y.dtype}.")
        if self.sparse:
            if y.shape[1:] not in (rows, (*rows, 1)):
                hint = " One-hot targets go with categorical_crossentropy." if y.shape[1:] == (*rows, K) else ""
                raise ValueError(
                    f"{name} takes one integer label per row, of shape {('N', *rows)}; "
                    f"received targets of shape {y.shape}.{hint}"
                )
            low, high = (y.min(), y.max()) if y.size else (0, 0)
            if not (low >= 0 and high < K):
                raise ValueError(
                    f"The model has {K} outputs, so labels must be from 0 to {K - 1}; "
                    f"received labels from {low} to {high}."
                )
            if y.dtype.kind == "f" and (y != np.floor(y)).any():
                raise ValueError(f"Labels must be whole numbers; received {y[y != np.floor(y)].flat[0]!r} among them.")
        elif y.shape[1:] != (*rows, K) and not (K == 1 and y.shape[1:] == rows):
            hint = (
                " Integer labels go with sparse_categorical_crossentropy." if y.shape[1:] in (rows, (*rows, 1)) else ""
            )
            raise ValueError(
                f"{name} takes targets of the outputs' shape {('N', *rows, K)}; received shape {y.shape}.{hint}"
            )


class _CrossEntropy(Loss):
    """A loss on probabilities or, from_logits, on the logits before softmax or sigmoid."""

    def __init__(self, from_logits=False, reduction="sum_over_batch_size", name=None):
        super().__init__(reduction, name)
        self.from_logits = from_logits


class _SmoothedCrossEntropy(_CrossEntropy):
    """With label_smoothing s, targets are drawn together before: t (1 - s) + s / (number of choices)."""

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size", name=None):
        super().__init__(from_logits, reduction, name)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must lie between 0 and 1; received label_smoothing={label_smoothing!r}.")
        if axis != -1:
            raise ValueError(f"Classes lie along the last axis; received axis={axis!r}.")
        self.label_smoothing, self.axis = label_smoothing, axis

    def choices(self, output_shape) -> int:
        """Among how many classes a target chooses."""
        return output_shape[-1]

    def targets(self, y, output_shape, dtype):
        t = super().targets(y, output_shape, dtype)
        if not self.label_smoothing:
            return t
        smoothing = t.dtype.type(self.label_smoothing)
        return t * (1 - smoothing) + smoothing / t.dtype.type(self.choices(output_shape))


@registry.add("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_CrossEntropy):
    """-log of the probability given to the label; labels (N, ...) or (N, ..., 1) integers.

    Rows with the label ignore_class, as unlabelled pixels have, count for nothing: not even in the mean.
    """

    operation, logits_operation = "sparse_categorical_cross_entropy", "sparse_softmax_cross_entropy"
    sparse = True

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1, name=None):
        super().__init__(from_logits, reduction, name)
        if axis != -1:
            raise ValueError(f"Classes lie along the last axis; received axis={axis!r}.")
        self.ignore_class, self.axis = ignore_class, axis

    def counted_rows(self, y):
        return None if self.ignore_class is None else y.reshape(-1) != self.ignore_class

    def _without_ignored(self, y):
        return y if self.ignore_class is None else np.where(y == self.ignore_class, 0, y)

    def targets(self, y, output_shape, dtype):
        return super().targets(self._without_ignored(y), output_shape, dtype)

    def check_targets(self, y, output_shape):
        super().check_targets(self._without_ignored(y), output_shape)

    def rows_here(self, y_true, y_pred):
        losses = super().rows_here(y_true, y_pred)
        counted = self.counted_rows(y_true)
        if counted is None:
            return losses
        return transfer.here(transfer.to_host(losses) * counted.reshape(losses.shape))


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


@registry.add("mean_squared_error", "mse", "MSE")
class MeanSquaredError(Loss):
    """Mean over the last axis of (p - t)^2."""

    operation = "mean_squared_error"


@registry.add("mean_absolute_error", "mae", "MAE")
class MeanAbsoluteError(Loss):
    """Mean over the last axis of |p - t|."""

    operation = "mean_absolute_error"


@registry.add("mean_absolute_percentage_error", "mape", "MAPE")
class MeanAbsolutePercentageError(Loss):
    """100 times the mean over the last axis of |p - t| / |t|."""

    operation = "mean_absolute_percentage_error"


@registry.add("mean_squared_logarithmic_error", "msle", "MSLE")
class MeanSquaredLogarithmicError(Loss):
    """Mean over the last axis of (log(p + 1) - log(t + 1))^2."""

    operation = "mean_squared_logarithmic_error"


@registry.add("huber", "huber_loss")
class Huber(Loss):
    """Mean over the last axis of (p - t)^2 / 2, which goes on as a straight line where |p - t| is above delta."""

    operation = "huber"

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss"):
        super().__init__(reduction, name)
        if not delta > 0:
            raise ValueError(f"delta must be positive; received delta={delta!r}.")
        self.delta = delta

    def parameter(self):
        return self.delta


@registry.add("log_cosh", "logcosh")
class LogCosh(Loss):
    """Mean over the last axis of log(cosh(p - t))."""

    operation = "log_cosh"


@registry.add("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")
class KLDivergence(Loss):
    """Sum over the last axis of t log(t / p), of probabilities."""

    operation = "kl_divergence"

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence"):
        super().__init__(reduction, name)


@registry.add("poisson")
class Poisson(Loss):
    """Mean over the last axis of p - t log p: how well counts t suit the rates p."""

    operation = "poisson"


class _Hinge(Loss):
    """Targets are -1 and 1; zeros and ones are taken for them."""

    def targets(self, y, output_shape, dtype):
        t = super().targets(y, output_shape, dtype)
        return 2 * t - 1 if np.isin(t, (0, 1)).all() else t


@registry.add("hinge")
class Hinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)."""

    operation = "hinge"


@registry.add("squared_hinge")
class SquaredHinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)^2."""

    operation = "squared_hinge"


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1) -> np.ndarray:
    """The loss of every row: y_true (N, ...) labels, y_pred (N, ..., K), result (N, ...)."""
    return SparseCategoricalCrossentropy(from_logits, ignore_class, "none", axis)(y_true, y_pred)


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis, "none")(y_true, y_pred)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis, "none")(y_true, y_pred)


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


def kl_divergence(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return KLDivergence("none")(y_true, y_pred)


def poisson(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Poisson("none")(y_true, y_pred)


def hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Hinge("none")(y_true, y_pred)


def squared_hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return SquaredHinge("none")(y_true, y_pred)


FUNCTIONS = {
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    binary_crossentropy: BinaryCrossentropy,
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    huber: Huber,
    log_cosh: LogCosh,
    kl_divergence: KLDivergence,
    poisson: Poisson,
    hinge: Hinge,
    squared_hinge: SquaredHinge,
}


def get(identifier) -> Loss | None:
    """A loss from its name, its function here, its configuration, its class or itself."""
    if callable(identifier) and identifier in FUNCTIONS:
        return FUNCTIONS[identifier]()
    loss = registry.get(identifier)
    if loss is not None and not isinstance(loss, Loss):
        raise ValueError(
            f"A loss needs a derivative: subclass minicnn.losses.Loss with forward and backward; "
            f"received {identifier!r}."
        )
    return loss


def spread_weights(sample_weight, shape: tuple, dtype) -> np.ndarray:
    """Weights of samples, (N,) or (N, 1), or of every row, (N, ...), as one weight for each row of losses `shape`."""
    weights, rows = np.asarray(sample_weight, dtype), math.prod(shape)
    if weights.ndim == 0:
        weights = weights.reshape(1)
    if weights.size not in (1, shape[0], rows) or (weights.size > 1 and len(weights) != shape[0]):
        raise ValueError(f"Sample weights of shape {weights.shape} do not go with losses of shape {tuple(shape)}.")
    return np.repeat(weights.reshape(-1), rows // weights.size)


def check_lengths(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """ValueError unless there are as many targets as predictions."""
    if y_true.ndim == 0 or len(y_true) != len(y_pred):
        raise ValueError(f"{len(y_pred)} predictions need as many targets; received targets of shape {y_true.shape}.")


def float_array(x) -> np.ndarray:
    """Predictions as a contiguous float array of rows (N, ..., K); one that lies elsewhere stays as it is."""
    if not isinstance(x, np.ndarray) and hasattr(x, "to_host"):
        return x
    x = np.asarray(x)
    x = np.require(x, x.dtype if x.dtype in (np.float32, np.float64) else config.floatx(), ["C", "W"])
    return x.reshape(-1, 1) if x.ndim == 1 else x


def serialize(loss) -> dict:
    """A loss as {"class_name", "config"}."""
    return registry_serialize(loss)


def deserialize(config, custom_objects=None):
    """A loss from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)

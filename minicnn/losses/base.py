"""The base class of losses: it checks the targets, gives one number per row, and weights the rows."""

from __future__ import annotations

import math

import numpy as np

from .. import config
from ..ops import loss as op
from ..registry import Configurable, Registry, snake_case
from ..results import Array, Number
from ..runtime import transfer
from ..symbol import Symbol, is_symbolic
from .of_function import DrawnLoss

registry = Registry("loss")
_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class Loss(DrawnLoss, Configurable):
    """Base class of losses. Your own defines `call(self, y_true, y_pred)`, made of functions of `minicnn.ops`.

    `operation` is the operation on predictions, `logits_operation` the one on logits (or None). `sparse` says that
    targets are integer labels.
    """

    operation: str = ""
    logits_operation: str | None = None
    sparse = False
    from_logits = False
    _not_in_config = ("dtype",)
    broadcasts_targets = False
    """Whether a size of 1 in targets stands for every output, as in arithmetic."""
    ignore_class: int | None = None
    """The label of the rows that do not count, if there is one."""

    def __init__(self, reduction="sum_over_batch_size", name=None, dtype=None):
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f'reduction must be "sum_over_batch_size" (or "mean"), "mean_with_sample_weight", "sum" or "none"; '
                f"received {reduction!r}."
            )
        self.reduction = reduction
        self.name = name or snake_case(type(self).__name__)
        self.dtype = config.checked_float_type(dtype or config.floatx())

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of predictions y_pred (N, ..., K): a float, or one number per row with reduction "none"."""
        if is_symbolic([y_true, y_pred]):
            return Symbol.loss(self, y_true, y_pred, sample_weight)
        losses = self.rows(y_true, y_pred).view(Array)
        if self.reduction in ("none", None):
            if sample_weight is None:
                return losses
            return losses * weights_per_row(sample_weight, losses.shape, losses.dtype).reshape(losses.shape)
        row_weights = self.row_weights(np.asarray(y_true), sample_weight, losses.shape, losses.dtype)
        return Number(losses.reshape(-1) @ row_weights)

    def row_weights(self, y: np.ndarray, sample_weight, shape: tuple, dtype) -> np.ndarray:
        """Each row's weight in the loss of a batch. shape: the shape of the losses; sample_weight: per sample, or None.

        A row has its sample's weight (1 if none is given), or 0 if the row does not count. For a mean these weights are
        divided by the number of rows that count, for "mean_with_sample_weight" by their sum.
        """
        counted = self.counted_rows(y)
        if sample_weight is None:
            weights = np.ones(math.prod(shape), dtype)
        else:
            weights = weights_per_row(sample_weight, shape, dtype)
        if counted is not None:
            weights = weights * counted
        if self.reduction == "sum":
            return weights
        rows = weights.size if counted is None else counted.sum()
        divisor = weights.sum() if self.reduction == "mean_with_sample_weight" else rows
        return weights / weights.dtype.type(divisor or 1)

    def rows(self, y_true, y_pred) -> np.ndarray:
        """The loss of every row, of shape (N, ...). ValueError if targets and predictions do not suit each other."""
        return transfer.to_host(self.rows_on_device(np.asarray(y_true), float_array(y_pred)))

    def rows_on_device(self, y_true, y_pred):
        """As `rows`, for arrays. The result stays where the backend computes, and y_pred may be there already."""
        check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        targets = transfer.to_device(self.targets(y_true, y_pred.shape, y_pred.dtype))
        losses, _ = self.forward(targets, transfer.to_device(y_pred), need_saved=False)
        return losses.reshape(self.shape_of_losses(y_true.shape, y_pred.shape))

    def shape_of_losses(self, y_shape, output_shape) -> tuple:
        """The shape of the losses for targets and predictions of these shapes: one for each row of predictions."""
        return self.drawn_shape(y_shape, output_shape) if self._draws else tuple(output_shape[:-1])

    def joins(self, activation: str | None) -> bool:
        """Whether the loss is computed together with the activation ("softmax", "sigmoid") that a model ends in.

        As in Keras, cross-entropies take the logits of both activations, also if from_logits was given by mistake.
        """
        return activation is not None and self.logits_operation is not None

    def forward(self, targets, y_pred, logits=False, need_saved=True):
        """(losses (M,), what `backward` needs) of predictions or logits (N, ..., K) and what `targets` returned."""
        if self._draws:
            return self.forward_drawn(targets, y_pred, need_saved)
        operation = self.logits_operation if logits or self.from_logits else self.operation
        rows = y_pred.reshape(-1, y_pred.shape[-1])
        losses, saved = op.forward(operation, rows, targets, self.parameter(), need_saved)
        return losses, (operation, saved, y_pred.shape)

    def parameter(self) -> float:
        """The operation's parameter: epsilon, which keeps numbers away from zero, unless a loss has another."""
        return config.epsilon()

    def backward(self, dlosses, saved):
        """The gradient of the predictions or logits for the upstream gradient dlosses (M,)."""
        if self._draws:
            return self.backward_drawn(dlosses, saved)
        operation, op_saved, shape = saved
        return op.backward(operation, dlosses, op_saved).reshape(shape)

    def targets(self, y, output_shape, dtype) -> np.ndarray:
        """A batch of targets in the form that the operation takes: labels (M,), or numbers (M, K) of type dtype."""
        if self._draws:
            return self.drawn_targets(y, output_shape, dtype)
        if self.sparse:
            return np.ascontiguousarray(y.reshape(-1), np.int64)
        if self._broadcast(y, output_shape):
            y = np.broadcast_to(y, (len(y), *output_shape[1:]))
        return np.ascontiguousarray(y.reshape(-1, output_shape[-1]), dtype)

    def _broadcast(self, y, output_shape) -> bool:
        """Whether targets y (N, ...) have a size of 1 where the outputs have another one."""
        own, wanted = y.shape[1:], tuple(output_shape[1:])
        alike = len(own) == len(wanted) and all(a in (1, b) for a, b in zip(own, wanted, strict=True))
        return self.broadcasts_targets and alike and own != wanted

    def compared(self, t, output_shape):
        """Targets, an array or a symbol, as the loss compares them with outputs of this shape."""
        return t

    def counted_rows(self, y: np.ndarray) -> np.ndarray | None:
        """Which rows of a batch of targets count in the loss, (M,) booleans; None for all."""
        return None

    def check_targets(self, y: np.ndarray, output_shape) -> None:
        """ValueError unless the targets y (N, ...) suit outputs of `output_shape` (N, ..., K). N is not checked."""
        name, K = type(self).__name__, output_shape[-1]
        rows = tuple(output_shape[1:-1])
        if y.dtype.kind not in "buif":
            raise ValueError(f"{name} needs numbers as targets; received an array of type {y.dtype}.")
        if self._draws:
            self.drawn_shape(y.shape, output_shape)
            return
        if self.sparse:
            if y.shape[1:] not in (rows, (*rows, 1)):
                hint = " For one-hot targets use categorical_crossentropy." if y.shape[1:] == (*rows, K) else ""
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
        elif (
            y.shape[1:] != (*rows, K) and not (K == 1 and y.shape[1:] == rows) and not self._broadcast(y, output_shape)
        ):
            hint = (
                " For integer labels use sparse_categorical_crossentropy." if y.shape[1:] in (rows, (*rows, 1)) else ""
            )
            raise ValueError(
                f"{name} takes targets of the outputs' shape {('N', *rows, K)}; received shape {y.shape}.{hint}"
            )


def weights_per_row(sample_weight, shape: tuple, dtype) -> np.ndarray:
    """Weights of samples, (N,) or (N, 1), or of all rows, (N, ...), as one weight for each row of losses of `shape`."""
    weights, rows = np.asarray(sample_weight, dtype), math.prod(shape)
    if shape == ():
        return weights.mean(dtype=dtype).reshape(1)  # one number for the batch
    if weights.ndim == 0:
        weights = weights.reshape(1)
    if weights.size not in (1, shape[0], rows) or (weights.size > 1 and len(weights) != shape[0]):
        raise ValueError(f"Sample weights of shape {weights.shape} do not fit losses of shape {tuple(shape)}.")
    return np.repeat(weights.reshape(-1), rows // weights.size)


def check_lengths(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """ValueError unless there are as many targets as predictions."""
    if y_true.ndim == 0 or len(y_true) != len(y_pred):
        raise ValueError(
            f"{len(y_pred)} predictions need {len(y_pred)} targets; received targets of shape {y_true.shape}."
        )


def float_array(x) -> np.ndarray:
    """Predictions as a contiguous float array of rows (N, ..., K); an array on another device stays there."""
    if not isinstance(x, np.ndarray) and hasattr(x, "to_host"):
        return x
    x = np.asarray(x)
    x = np.require(x, x.dtype if x.dtype in (np.float32, np.float64) else config.floatx(), ["C", "W"])
    return x.reshape(-1, 1) if x.ndim == 1 else x

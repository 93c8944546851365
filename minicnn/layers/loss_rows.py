"""The losses of `minicnn.losses` on symbols, as parts of a user's own loss."""

from __future__ import annotations

import numpy as np

from ..activation_functions import of_ops
from ..losses.composed import composed
from ..losses.of_function import over_counted
from ..runtime import transfer
from ..symbol import Symbol
from .base import Layer
from .operations import Reduction


class LossRows(Layer):
    """The loss of every row of predictions: inputs [y_true, y_pred]. Only the predictions get a gradient."""

    takes_several = True

    def __init__(self, loss, dtype=None):
        super().__init__(name=None, dtype=dtype)
        self.loss = loss
        self.may_be_recorded = not loss.sparse  # labels become integers on the host

    def compute_output_shape(self, input_shape):
        return self.loss.shape_of_losses(*input_shape)

    def forward(self, x, training=False, need_saved=True):
        y_true, y_pred = x
        if self.loss.sparse:
            labels = np.asarray(transfer.to_host(y_true))
            self.loss.check_targets(labels, y_pred.shape)  # the kernel looks where the labels say
            y_true = transfer.to_device(self.loss.targets(labels, y_pred.shape, y_pred.dtype))
        else:
            y_true = y_true.reshape(-1, y_pred.shape[-1])
        losses, saved = self.loss.forward(y_true, y_pred, need_saved=bool(need_saved))
        return losses.reshape(self.loss.shape_of_losses(x[0].shape, y_pred.shape)), saved

    def backward(self, dy, saved, need_dx=True):
        return [None, self.loss.backward(dy.reshape(-1), saved)]


def _loss(loss, y_true, y_pred, sample_weight=None):
    """The symbol of a loss: one number for each row with reduction "none", else one for all."""
    dtype = next(value.dtype for value in (y_pred, y_true) if isinstance(value, Symbol))
    y_true, y_pred = Symbol.of(y_true, dtype), Symbol.of(y_pred, dtype)
    if loss._draws:
        rows = loss.call(y_true, y_pred)
    else:
        targets = loss.compared(y_true, y_pred.shape)
        with_kernel = _has_a_target_for_each_row(loss, y_true.shape, y_pred.shape)
        if with_kernel and (loss.sparse or not _depends_on_weights(y_true)):
            rows = LossRows(loss, dtype=dtype)([targets, y_pred])
        else:
            rows = composed(loss, targets, y_pred)
    counted = None if loss.ignore_class is None else _counted(y_true, loss.ignore_class, rows)
    if counted is not None:
        rows = rows * counted
        rows.counted = counted
    if loss.reduction in ("mean", "sum_over_batch_size"):
        rows = over_counted(rows)
    if sample_weight is not None:
        rows = rows * sample_weight
    if loss.reduction in ("none", None):
        return rows
    return Reduction("sum" if loss.reduction == "sum" else "mean", dtype=dtype)(rows)


def _has_a_target_for_each_row(loss, y_shape, output_shape) -> bool:
    """Whether the shapes are those that the kernels take; if not, the targets are broadcast. ValueError for a loss that
    does not broadcast."""
    shapes = [output_shape[:-1], (*output_shape[:-1], 1)] if loss.sparse else [output_shape]
    y_shape = tuple(y_shape) if loss.sparse else loss.standard_shape(tuple(y_shape), output_shape)
    if any(_same(y_shape, shape) for shape in shapes):
        return True
    if not loss.broadcasts_targets:
        wanted = "one label for each row of" if loss.sparse else "targets of the shape of"
        raise ValueError(
            f"{type(loss).__name__} takes {wanted} the predictions {output_shape}; received targets of shape {y_shape}."
        )
    return False


def _same(shape, other) -> bool:
    """Whether two shapes agree, as far as they are known."""
    return len(shape) == len(other) and all(a == b or None in (a, b) for a, b in zip(shape, other, strict=True))


def _depends_on_weights(symbol) -> bool:
    """Whether what computes this symbol can learn."""
    waiting, seen = [symbol.node], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.layer.has_trainable_weights():
            return True
        waiting += [symbol.node for symbol in node.inputs]
    return False


def _counted(y_true, ignored, rows):
    """1 for each row whose label is not the ignored one, 0 for the others."""
    counted = Symbol.calculate("not_equal", y_true, float(ignored))
    return counted if len(counted.shape) == len(rows.shape) else of_ops("squeeze")(counted, axis=-1)


Symbol.loss = staticmethod(_loss)

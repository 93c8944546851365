"""The losses of `minicnn.losses` on symbols, as parts of a user's own loss."""

from __future__ import annotations

import numpy as np

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
        if self.loss.sparse or y_true.shape != y_pred.shape:
            y_true = transfer.to_host(y_true)
            y_true = transfer.to_device(self.loss.targets(np.asarray(y_true), y_pred.shape, y_pred.dtype))
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
    rows = loss.call(y_true, y_pred) if loss._draws else LossRows(loss, dtype=dtype)([y_true, y_pred])
    if sample_weight is not None:
        rows = rows * sample_weight
    if loss.reduction in ("none", None):
        return rows
    return Reduction("sum" if loss.reduction == "sum" else "mean", dtype=dtype)(rows)


Symbol.loss = staticmethod(_loss)

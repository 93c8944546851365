"""Losses for segmentation: how little two areas overlap. With axis=None one number for the whole batch."""

from __future__ import annotations

from .. import config, ops
from .base import Loss, registry


def dice(y_true, y_pred, axis=None):
    """1 - 2 * overlap / (both areas)."""
    y_true = ops.cast(y_true, y_pred.dtype)
    both = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon()
    return 1.0 - 2.0 * ops.sum(y_true * y_pred, axis=axis) / both


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - overlap / (overlap + alpha * what is missed + beta * what is too much)."""
    y_true = ops.cast(y_true, y_pred.dtype)
    overlap = ops.sum(y_true * y_pred, axis=axis)
    missed, too_much = ops.sum((1.0 - y_pred) * y_true, axis=axis), ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - overlap / (overlap + missed * alpha + too_much * beta + config.epsilon())


@registry.add("dice")
class Dice(Loss):
    """1 - the Dice coefficient. Source: Milletari et al., "V-Net", 2016."""

    def __init__(self, reduction="sum_over_batch_size", name=None, axis=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true, y_pred):
        return dice(y_true, y_pred, self.axis)


@registry.add("tversky")
class Tversky(Loss):
    """1 - the Tversky index. Source: Salehi et al., "Tversky loss function for image segmentation", 2017."""

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name=None, axis=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis

    def call(self, y_true, y_pred):
        return tversky(y_true, y_pred, self.alpha, self.beta, self.axis)

"""Layers that return their input: unchanged, or with a penalty on it."""

from __future__ import annotations

from ..regularizers import L1L2
from .base import Layer


class Identity(Layer):
    """Returns its input unchanged."""

    def flops(self, input_shape):
        return 0

    def forward(self, x, training=False, need_saved=True):
        return x, None

    def backward(self, dy, saved, need_dx=True):
        return dy


class ActivityRegularization(Identity):
    """Returns its input x unchanged, and adds (l1 * sum|x| + l2 * sum x^2) / (number of samples) to the loss."""

    _not_in_config = (*Layer._not_in_config, "activity_regularizer")

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

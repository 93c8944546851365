"""Batch normalization."""

from __future__ import annotations

import math

import numpy as np

from .. import constraints, initializers, regularizers
from ..ops import batch_norm
from ..runtime.replay import changes
from .base import Layer
from .places import moved, moved_back


class BatchNormalization(Layer):
    """Brings each channel to mean 0 and variance 1 over the batch, then scales it by gamma and shifts it by beta.

    In training it uses the batch's mean and variance, and moves moving_mean and moving_variance towards them. In
    inference, and always when it is frozen (`trainable = False`), it uses moving_mean and moving_variance. Weights
    (C,): gamma (with `scale`), beta (with `center`), moving_mean, moving_variance. If `axis` is not the last one, the
    input is transposed first, and the output back.
    """

    to_the_end: list[int] | None = None  # the order of the axes that puts the channels last, unless they are

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=0.001,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be from 0 to 1; received momentum={momentum!r}.")
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive; received epsilon={epsilon!r}.")
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = self.beta = None

    def build(self, input_shape):
        axis = self.axis[0] if isinstance(self.axis, (list, tuple)) and len(self.axis) == 1 else self.axis
        axes = len(input_shape)
        if not (hasattr(axis, "__index__") and -axes < axis < axes and axis % axes):
            raise ValueError(
                f"{self.name!r} normalizes one axis, any but the batch's; received axis={self.axis!r} for inputs of "
                f"shape {tuple(input_shape)}."
            )
        self.channels = axis % axes
        if self.channels != axes - 1:
            self.to_the_end = [*(i for i in range(axes) if i != self.channels), self.channels]
        shape = (input_shape[self.channels],)
        if self.scale:
            self.gamma = self._add("gamma", shape, regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
        if self.center:
            self.beta = self._add("beta", shape, regularizer=self.beta_regularizer, constraint=self.beta_constraint)
        self.moving_mean = self._add("moving_mean", shape, trainable=False)
        self.moving_variance = self._add("moving_variance", shape, trainable=False)

    def _add(self, name, shape, **options):
        return self.add_weight(shape, getattr(self, f"{name}_initializer"), name=name, **options)

    def check_input(self, input_shape):
        if input_shape[self.channels] != self.moving_mean.shape[0]:
            raise ValueError(
                f"{self.name!r} was built for {self.moving_mean.shape[0]} channels; "
                f"received inputs of shape {tuple(input_shape)}."
            )

    def flops(self, input_shape):
        return 2 * math.prod(input_shape[1:])

    def forward(self, x, training=False, need_saved=True, relu=False):
        """As in `Layer`. relu: a ReLU that is done in the same call (`models/schedule.py`)."""
        if self.to_the_end is not None:
            x, there = moved(x, "transpose", {"axes": self.to_the_end})
            y, saved = self._of_last_axis(x, training, need_saved, relu)
            y, back = moved(y, "transpose", {"axes": np.argsort(self.to_the_end).tolist()})
            return y, (saved, there, back)
        return self._of_last_axis(x, training, need_saved, relu)

    def _of_last_axis(self, x, training, need_saved, relu):
        batch_statistics = bool(training and self.trainable)
        y, saved = batch_norm.forward(
            x, *self._values(), self.momentum, self.epsilon, batch_statistics, relu, bool(need_saved)
        )  # fmt: skip
        if batch_statistics:
            changes.of_weights.note()  # it has moved the moving statistics
        return y, saved

    def fold_into(self, w, b):
        """(w, b) of the product before this layer, with which it also does what this layer does in inference."""
        return batch_norm.fold(w, b, *self._values(), self.epsilon)

    def _values(self):
        gamma, beta = (None if variable is None else variable.array for variable in (self.gamma, self.beta))
        return gamma, beta, self.moving_mean.array, self.moving_variance.array

    def backward(self, dy, saved, need_dx=True):
        if self.to_the_end is not None:
            saved, there, back = saved
            dy = moved_back(dy, back)
        dx, dgamma, dbeta = batch_norm.backward(dy, saved, need_dx)
        self.add_gradients((self.gamma, dgamma), (self.beta, dbeta))
        return moved_back(dx, there) if need_dx and self.to_the_end is not None else dx

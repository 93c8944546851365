"""Batch normalization."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .. import constraints, initializers, regularizers
from ..ops import batch_norm
from ..runtime import transfer
from ..runtime.replay import changes
from .base import Layer
from .places import moved, moved_back


class _Renormalized(NamedTuple):
    """What backward needs after a training pass with `renorm`: of the operation, and the factors r and d (C,)."""

    saved: object
    r: np.ndarray
    d: np.ndarray


class BatchNormalization(Layer):
    """Brings each channel to mean 0 and variance 1 over the batch, then scales it by gamma and shifts it by beta.

    In training it uses the batch's mean and variance, and moves moving_mean and moving_variance towards them. In
    inference, and always when it is frozen (`trainable = False`), it uses moving_mean and moving_variance. Weights
    (C,): gamma (with `scale`), beta (with `center`), moving_mean, moving_variance. If `axis` is not the last one, the
    input is transposed first, and the output back.

    renorm: in training the output is also scaled by r and shifted by d, as if the statistics of many batches had been
    used: r = deviation / renorm_stddev, d = (mean - renorm_mean) / renorm_stddev. Both are clipped to renorm_clipping,
    {"rmin", "rmax", "dmax"}, and are no functions of the input when gradients are computed.
    Source: Ioffe, "Batch Renormalization", 2017.
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
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
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
        self.synchronized = synchronized  # over several machines; there is one here
        self.renorm, self.renorm_momentum = bool(renorm), renorm_momentum
        self.renorm_clipping = _checked_clipping(renorm_clipping or {}) if renorm else renorm_clipping
        self.may_be_recorded = not self.renorm  # the host computes r and d
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
        if self.renorm:

            def root(shape, dtype):
                return np.sqrt(self.moving_variance_initializer(shape, dtype))

            self.moving_stddev = self.add_weight(shape, root, trainable=False, name="moving_stddev")
            self.renorm_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="renorm_mean")
            self.renorm_stddev = self.add_weight(shape, root, trainable=False, name="renorm_stddev")

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
        if batch_statistics and self.renorm:
            return self._renormalized(x, relu, need_saved)
        y, saved = batch_norm.forward(
            x, *self._values(), self.momentum, self.epsilon, batch_statistics, relu, bool(need_saved)
        )  # fmt: skip
        if batch_statistics:
            changes.of_weights.note()  # it has moved the moving statistics
        return y, saved

    def _renormalized(self, x, relu, need_saved):
        """(y, saved) of a training pass with `renorm`: first the batch's statistics, then r and d, then y."""
        mean, variance = (transfer.to_device(np.zeros(self.moving_mean.shape, self.dtype)) for _ in range(2))
        options = (0.0, self.epsilon, True)  # with momentum 0, "moving" statistics are those of the batch
        batch_norm.forward(x, None, None, mean, variance, *options, False, False)
        mean_there, variance_there = mean, variance
        mean, variance = transfer.to_host(mean), transfer.to_host(variance)
        stddev = np.sqrt(variance + self.epsilon)
        before = np.maximum(self.renorm_stddev.numpy(), math.sqrt(self.epsilon))
        r, d = stddev / before, (mean - self.renorm_mean.numpy()) / before
        limits = self.renorm_clipping
        r = np.clip(r, limits.get("rmin"), limits.get("rmax")) if limits.keys() & {"rmin", "rmax"} else r
        d = np.clip(d, -limits["dmax"], limits["dmax"]) if "dmax" in limits else d
        gamma = np.ones_like(r) if self.gamma is None else self.gamma.numpy()
        beta = np.zeros_like(r) if self.beta is None else self.beta.numpy()
        scale, shift = (transfer.to_device(part.astype(self.dtype)) for part in (r * gamma, d * gamma + beta))
        y, saved = batch_norm.forward(x, scale, shift, mean_there, variance_there, *options, relu, bool(need_saved))
        self._move_statistics(mean, stddev)
        return y, _Renormalized(saved, r, d)

    def _move_statistics(self, mean, stddev):
        for variable, new, momentum in (
            (self.renorm_mean, mean, self.renorm_momentum),
            (self.renorm_stddev, stddev, self.renorm_momentum),
            (self.moving_mean, mean, self.momentum),
            (self.moving_stddev, stddev, self.momentum),
        ):
            variable.assign(variable.numpy() * momentum + new * (1 - momentum))
        self.moving_variance.assign(np.maximum(self.moving_stddev.numpy() ** 2 - self.epsilon, 0))

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
        dx, dgamma, dbeta = self._backward_of_last_axis(dy, saved, need_dx)
        self.add_gradients((self.gamma, dgamma), (self.beta, dbeta))
        return moved_back(dx, there) if need_dx and self.to_the_end is not None else dx

    def _backward_of_last_axis(self, dy, saved, need_dx):
        if not isinstance(saved, _Renormalized):
            return batch_norm.backward(dy, saved, need_dx)
        saved, r, d = saved
        dx, dscale, dshift = batch_norm.backward(dy, saved, need_dx)
        dgamma = r * transfer.to_host(dscale) + d * transfer.to_host(dshift)
        return dx, transfer.to_device(dgamma.astype(self.dtype)), dshift


def _checked_clipping(clipping):
    """ValueError unless the limits of r and d make sense."""
    least, most = clipping.get("rmin", -math.inf), clipping.get("rmax", math.inf)
    if set(clipping) - {"rmin", "rmax", "dmax"} or least > most or clipping.get("dmax", 0) < 0:
        raise ValueError(
            "renorm_clipping has limits of r, rmin and rmax (not below rmin), and of d, dmax (not negative); received "
            f"renorm_clipping={clipping!r}."
        )
    return clipping

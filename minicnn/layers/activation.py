"""Activations as layers."""

from __future__ import annotations

import functools

from .. import activation_functions, activations
from ..activations import Activation as Function
from ..activations import FunctionActivation
from .activated import activation_of, in_config
from .base import Layer


class _ActivationLayer(Layer):
    """A layer that only applies the activation in `function`."""

    function: Function = activations.linear

    @property
    def ends_in(self):
        return self.function.operation if self.function.operation in ("softmax", "sigmoid") else None

    def forward(self, x, training=False, need_saved=True, logits=False):
        return (x, None) if logits else self.function.in_layer(x, bool(need_saved), training)

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else self.function.backward(dy, saved)


class Activation(_ActivationLayer):
    """Applies `activation`: a name, a function or a layer."""

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation, self.activation_layer = activation_of(activation)
        self.function = self.activation

    def build(self, input_shape):
        if self.activation_layer is not None:  # it may have weights
            self.activation_layer.build_for(input_shape)

    def get_config(self):
        return {**super().get_config(), "activation": in_config(self.activation, self.activation_layer)}


class ReLU(_ActivationLayer):
    """x from `threshold` on, at most max_value; below, negative_slope * (x - threshold)."""

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        if (max_value is not None and not max_value >= 0) or not negative_slope >= 0 or not threshold >= 0:
            raise ValueError(
                "max_value, negative_slope and threshold must be zero or more; received "
                f"max_value={max_value!r}, negative_slope={negative_slope!r}, threshold={threshold!r}."
            )
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        if threshold or (max_value is not None and negative_slope):
            arguments = {"negative_slope": negative_slope, "max_value": max_value, "threshold": threshold}
            self.function = FunctionActivation(functools.partial(activation_functions.relu, **arguments), "relu")
        elif max_value is not None:
            self.function = Function("relu", "clipped_relu", max_value)
        elif negative_slope:
            self.function = Function("relu", "leaky_relu", negative_slope)
        else:
            self.function = activations.relu


class LeakyReLU(_ActivationLayer):
    """x, or negative_slope * x where x is negative."""

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:  # the argument's name before Keras 3
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        if negative_slope is None or not negative_slope >= 0:
            raise ValueError(f"negative_slope must be zero or more; received negative_slope={negative_slope!r}.")
        self.negative_slope = negative_slope
        self.function = Function("leaky_relu", "leaky_relu", negative_slope)


class ELU(_ActivationLayer):
    """x, or alpha * (exp(x) - 1) where x is negative."""

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.function = Function("elu", "elu", alpha)


class Softmax(_ActivationLayer):
    """exp(x_i) / sum over j of exp(x_j), along `axis`, or along several axes."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.function = activations.softmax
        if axis != -1:
            self.function = FunctionActivation(functools.partial(activation_functions.softmax, axis=axis), "softmax")

"""Base class of Conv2D, DepthwiseConv2D and Dense: layers with weights, whose last step is an activation."""

from __future__ import annotations

from .. import activations, constraints, initializers, regularizers
from ..activations import FunctionActivation
from ..registry import serialize
from .base import Layer, registry


def activation_of(given) -> tuple:
    """(the activation, the layer that it is or None), for a name, a function, a layer or a layer's configuration."""
    if isinstance(given, dict):
        given = registry.get(given)
    if not isinstance(given, Layer):
        return activations.get(given), None
    known = getattr(given, "function", None)
    return known if isinstance(known, activations.Activation) else FunctionActivation(given, given.name), given


def in_config(activation, layer):
    """An activation in a configuration: its name, or the layer that it is, or a function that has no name here."""
    if layer is None:
        named = activations.is_named(activation)
        return activation.__name__ if named else activation.function
    made_for = layer._built_for
    built = {} if made_for is None else {"build_config": {"input_shape": list(made_for)}}  # Keras then makes weights
    return {**serialize(layer), **built}


class ActivatedLayer(Layer):
    """y = activation(product(x, kernel) + bias). Subclasses define `forward` and `backward`, with the methods below.

    ReLU is fused into the product. A softmax or sigmoid at the end can be left out if the loss computes it. Layers that
    follow can be done in the same call (`models/schedule.py`): an activation, and in inference a batch normalization.
    """

    kernel_name = "kernel"

    def __init__(
        self,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activation
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel = self.bias = None

    @property
    def activation(self):
        """The activation. It may be set to another one: a name, a function, a layer or None."""
        return self._activation

    @activation.setter
    def activation(self, given):
        self._activation, self.activation_layer = activation_of(given)

    def build_for(self, input_shape):
        super().build_for(input_shape)
        if self.activation_layer is not None:  # it may have weights
            self.activation_layer.build_for(self.compute_output_shape(input_shape))

    def get_config(self):
        return {**super().get_config(), "activation": in_config(self.activation, self.activation_layer)}

    def add_kernel_and_bias(self, kernel_shape, filters: int) -> None:
        """Make the weights: kernel, then bias (filters,) if used."""
        self.kernel = self.add_weight(
            kernel_shape,
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name=self.kernel_name,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    @property
    def ends_in(self):
        return self.activation.operation if self.activation.operation in ("softmax", "sigmoid") else None

    @property
    def bias_value(self):
        """The bias's numbers (filters,), or None."""
        return self.bias.array if self.use_bias else None

    def weights_with(self, batch_norm, w):
        """(w, the bias or None), with which the product also does the batch normalization, if there is one."""
        return (w, self.bias_value) if batch_norm is None else batch_norm.fold_into(w, self.bias_value)

    @staticmethod
    def activate(y, function, training, need_saved, logits=False):
        """Apply `function` to the product y. Returns (the result, what `activation_gradient` needs). The product has
        applied ReLU already. With logits the result is y itself."""
        if function.operation == "relu" or logits:
            return y, None
        y, saved = function.in_layer(y, need_saved, training)
        return y, (function, saved)

    @staticmethod
    def activation_gradient(dy, saved):
        """The product's gradient, for dy, the gradient of what `activate` returned."""
        if saved is None:
            return dy
        function, saved = saved
        return function.backward(dy, saved)

"""Layers with weights whose last step is an activation: what Conv2D, DepthwiseConv2D and Dense share."""

from __future__ import annotations

from .. import activations, constraints, initializers, regularizers
from .base import Layer


class ActivatedLayer(Layer):
    """y = activation(product(x, kernel) + bias). Subclasses define `product_forward` and `product_backward`.

    ReLU is fused into the product. A softmax or sigmoid at the end can be left out, for the loss that joins it.
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
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel = self.bias = None

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

    def product_forward(self, x, w, b, relu, need_saved, **fused):
        """(product + bias, through ReLU if `relu`; what product_backward needs). `fused`: more to do in one go."""
        raise NotImplementedError(f"{type(self).__name__} does not define product_forward.")

    def product_backward(self, dy, saved, need_dx):
        """(dx, dw, db)."""
        raise NotImplementedError(f"{type(self).__name__} does not define product_backward.")

    @property
    def ends_in(self):
        return self.activation.operation if self.activation.operation in ("softmax", "sigmoid") else None

    def forward(self, x, training=False, need_saved=True, logits=False, **fused):
        fused_relu = self.activation.operation == "relu"
        bias = self.bias.value if self.use_bias else None
        y, saved = self.product_forward(x, self.kernel.value, bias, fused_relu, bool(need_saved), **fused)
        if fused_relu or logits:
            return y, (saved, None)
        y, saved_activation = self.activation.forward(y, bool(need_saved))
        return y, (saved, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved, saved_activation = saved
        if saved_activation is not None:
            dy = self.activation.backward(dy, saved_activation)
        dx, dw, db = self.product_backward(dy, saved, need_dx)
        self.add_gradients((self.kernel, dw), (self.bias, db))
        return dx

"""The dense (fully connected) layer."""

from __future__ import annotations

import math

from ..ops import dense
from ..shapes import is_positive_integer
from .activated import ActivatedLayer


class Dense(ActivatedLayer):
    """y = activation(x @ kernel + bias) over the last axis: (N, ..., K) to (N, ..., units); kernel (K, units)."""

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, **kwargs
        )
        if not is_positive_integer(units):
            raise ValueError(f"units must be a positive integer; received units={units!r}.")
        self.units = int(units)

    def build(self, input_shape):
        K = input_shape[-1]
        if len(input_shape) < 2 or K is None:
            raise ValueError(
                f"{self.name!r} takes inputs (N, ..., K) with a known last size; received shape {tuple(input_shape)}."
            )
        self.add_kernel_and_bias((K, self.units), self.units)

    def check_input(self, input_shape):
        if input_shape[-1] != self.kernel.shape[0]:
            raise ValueError(
                f"{self.name!r} was built for inputs of {self.kernel.shape[0]} features; "
                f"received shape {tuple(input_shape)}."
            )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def flops(self, input_shape):
        outputs = math.prod(self.compute_output_shape(input_shape)[1:])
        return outputs * (2 * input_shape[-1] + self.use_bias)

    def forward(self, x, training=False, need_saved=True, logits=False, batch_norm=None, activation=None):
        """As in `Layer`. batch_norm, activation: as in Conv2D."""
        function = activation or self.activation
        w, b = self.weights_with(batch_norm, self.kernel.array)
        y, saved = dense.forward(x, w, b, function.operation == "relu", bool(need_saved))
        y, saved_activation = self.activate(y, function, training, bool(need_saved), logits)
        return y, (saved, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved, saved_activation = saved
        dz = self.activation_gradient(dy, saved_activation)
        dx, dw, db = dense.backward(dz, saved, need_dx)
        self.add_gradients((self.kernel, dw), (self.bias, db))
        return dx

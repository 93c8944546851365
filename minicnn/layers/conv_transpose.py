"""The transposed convolution as a layer."""

from __future__ import annotations

import math

from ..ops import conv2d_transpose
from ..shapes import is_positive_integer, transposed_size, transposed_window
from .conv import Convolution


class Conv2DTranspose(Convolution):
    """Transposed convolution: (N, H, W, C) to (N, OH, OW, filters); kernel (KH, KW, filters, C).

    With strides the image grows: to (H * SH, W * SW) with padding="same". output_padding, a number below the stride
    or a pair, chooses another of the sizes that a convolution would bring back to (H, W).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            **kwargs,
        )
        if not is_positive_integer(filters):
            raise ValueError(f"filters must be a positive integer; received filters={filters!r}.")
        self.filters, self.output_padding = int(filters), self._checked_output_padding(output_padding)

    def _checked_output_padding(self, value):
        if value is None:
            return None
        both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
        if len(both) == 2 and all(
            hasattr(one, "__index__") and not isinstance(one, bool) and 0 <= one < stride
            for one, stride in zip(both, self.strides, strict=True)
        ):
            return int(both[0]), int(both[1])
        raise ValueError(
            f"output_padding must be an integer or a pair of integers, zero or more and less than the strides; "
            f"received output_padding={value!r}, strides={self.strides}."
        )

    def filters_for(self, C):
        return self.filters

    def kernel_shape(self, C):
        return (*self.kernel_size, self.filters, C)

    def compute_output_shape(self, input_shape):
        N, H, W, _ = input_shape
        OH, OW = (
            transposed_size(size, kernel, stride, self.padding, more, step)
            for size, kernel, stride, more, step in zip(
                (H, W), self.kernel_size, self.strides, self.output_padding or (None, None), self.dilation_rate,
                strict=True,
            )
        )  # fmt: skip
        return (N, OH, OW, self.filters)

    def _check_window(self, H, W):
        transposed_window(H, W, self.kernel_size, self.strides, self.padding, self.output_padding, self.dilation_rate)

    def flops(self, input_shape):
        _, H, W, C = input_shape
        outputs, (KH, KW) = math.prod(self.compute_output_shape(input_shape)[1:]), self.kernel_size
        return 2 * H * W * C * KH * KW * self.filters + outputs * self.use_bias

    def forward(self, x, training=False, need_saved=True, logits=False, activation=None):
        """As in `Layer`. activation: one that follows and is done in the same call (`models/schedule.py`)."""
        function = activation or self.activation
        y, saved = conv2d_transpose.forward(
            x, self.kernel.array, self.bias_value, self.strides, self.padding, self.output_padding,
            self.dilation_rate, function.operation == "relu", bool(need_saved),
        )  # fmt: skip
        y, saved_activation = self.activate(y, function, training, bool(need_saved), logits)
        return y, (saved, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved, saved_activation = saved
        dz = self.activation_gradient(dy, saved_activation)  # as in Conv2D
        dx, dw, db = conv2d_transpose.backward(dz, saved, need_dx)
        self.add_gradients((self.kernel, dw), (self.bias, db))
        return dx

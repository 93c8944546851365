"""Convolution layers."""

from __future__ import annotations

import math

from .. import constraints, initializers, regularizers
from ..config import checked_data_format
from ..ops import conv2d
from ..shapes import is_positive_integer, output_size, pair, window
from .activated import ActivatedLayer
from .base import Layer
from .checks import checked_choice


class Convolution(ActivatedLayer):
    """Base class of Conv2D and DepthwiseConv2D: the window and its sizes."""

    rank = 4

    def __init__(self, kernel_size, strides, padding, data_format, dilation_rate, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = checked_choice(padding, ("valid", "same"), "padding")
        self.data_format = checked_data_format(data_format)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "strides and dilation_rate cannot both be larger than 1; received "
                f"strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    def filters_for(self, C: int) -> int:
        """The number of output channels for C input channels."""
        raise NotImplementedError(f"{type(self).__name__} does not define filters_for.")

    def compute_output_shape(self, input_shape):
        N, H, W, C = input_shape
        (KH, KW), (SH, SW), (DH, DW) = self.kernel_size, self.strides, self.dilation_rate
        OH, OW = output_size(H, KH, SH, self.padding, DH), output_size(W, KW, SW, self.padding, DW)
        return (N, OH, OW, self.filters_for(C))

    def check_input(self, input_shape):
        _, H, W, C = input_shape
        if self.input_channels != C:
            raise ValueError(
                f"{self.name!r} was built for {self.input_channels} channels; "
                f"received inputs of shape {tuple(input_shape)}."
            )
        if H is not None and W is not None:
            self._check_window(H, W)

    def _check_window(self, H, W):
        """ValueError unless the window fits an image of H x W."""
        window(H, W, self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def build(self, input_shape):
        C = input_shape[3]
        if C is None:
            raise ValueError(
                f"{self.name!r} must know the number of input channels; received shape {tuple(input_shape)}."
            )
        self.input_channels = C
        self.add_kernel_and_bias(self.kernel_shape(C), self.filters_for(C))

    def kernel_shape(self, C: int) -> tuple:
        raise NotImplementedError(f"{type(self).__name__} does not define kernel_shape.")

    def flops(self, input_shape):
        outputs = math.prod(self.compute_output_shape(input_shape)[1:])
        KH, KW = self.kernel_size
        return outputs * (2 * KH * KW * self.channels_per_filter() + self.use_bias)

    def channels_per_filter(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define channels_per_filter.")


class Conv2D(Convolution):
    """Convolution of images: (N, H, W, C) to (N, OH, OW, filters); kernel (KH, KW, C / groups, filters)."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
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
        for label, value in (("filters", filters), ("groups", groups)):
            if not is_positive_integer(value):
                raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
        if filters % groups:
            raise ValueError(f"filters must be divisible by groups; received filters={filters}, groups={groups}.")
        self.filters, self.groups = int(filters), int(groups)

    def filters_for(self, C):
        return self.filters

    def channels_per_filter(self):
        return self.input_channels // self.groups

    def kernel_shape(self, C):
        if C % self.groups:
            raise ValueError(
                f"{self.name!r} has groups={self.groups}, so its number of input channels must be divisible by "
                f"{self.groups}; received {C} channels."
            )
        return (*self.kernel_size, C // self.groups, self.filters)

    def forward(self, x, training=False, need_saved=True, logits=False, batch_norm=None, activation=None, pool=None):
        """As in `Layer`. The last three are done in the same call (`models/schedule.py`): a batch normalization in
        inference, an activation, and a max pooling of the size `pool`. The pooling may be done before the activation:
        the numbers are the same."""
        function = activation or self.activation
        w, b = self.weights_with(batch_norm, self.kernel.array)
        y, saved = conv2d.forward(
            x, w, b, self.strides, self.padding, self.dilation_rate, self.groups,
            function.operation == "relu", pool, bool(need_saved),
        )  # fmt: skip
        y, saved_activation = self.activate(y, function, training, bool(need_saved), logits)
        return y, (saved, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved, saved_activation = saved
        dz = self.activation_gradient(dy, saved_activation)  # with ReLU dz is dy: conv2d.backward goes back through it
        dx, dw, db = conv2d.backward(dz, saved, need_dx)
        self.add_gradients((self.kernel, dw), (self.bias, db))
        return dx


class DepthwiseConv2D(Convolution):
    """Convolves each channel by itself with `depth_multiplier` kernels: (N, H, W, C) to (N, OH, OW, C * multiplier).

    This is Conv2D with as many groups as channels; the kernel (KH, KW, C, multiplier) is the grouped kernel
    (KH, KW, 1, C * multiplier) in another shape, the numbers in the same order.
    """

    _not_in_config = (*Layer._not_in_config, "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(
        self,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        depthwise_constraint=None,
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
            kernel_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=depthwise_constraint,
            **kwargs,
        )
        if not is_positive_integer(depth_multiplier):
            raise ValueError(
                f"depth_multiplier must be a positive integer; received depth_multiplier={depth_multiplier!r}."
            )
        self.depth_multiplier = int(depth_multiplier)
        self.depthwise_initializer, self.depthwise_regularizer = (self.kernel_initializer, self.kernel_regularizer)
        self.depthwise_constraint = self.kernel_constraint

    def filters_for(self, C):
        return None if C is None else C * self.depth_multiplier

    def channels_per_filter(self):
        return 1

    def kernel_shape(self, C):
        return (*self.kernel_size, C, self.depth_multiplier)

    def forward(self, x, training=False, need_saved=True, logits=False, batch_norm=None, activation=None):
        """As in `Layer`. batch_norm, activation: as in Conv2D."""
        function = activation or self.activation
        KH, KW, C, multiplier = self.kernel.shape
        w, b = self.weights_with(batch_norm, self.kernel.array.reshape(KH, KW, 1, C * multiplier))
        y, saved = conv2d.forward(
            x, w, b, self.strides, self.padding, self.dilation_rate, C, function.operation == "relu", None,
            bool(need_saved),
        )  # fmt: skip
        y, saved_activation = self.activate(y, function, training, bool(need_saved), logits)
        return y, (saved, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved, saved_activation = saved
        dz = self.activation_gradient(dy, saved_activation)  # with ReLU dz is dy: conv2d.backward goes back through it
        dx, dw, db = conv2d.backward(dz, saved, need_dx)
        self.add_gradients((self.kernel, dw.reshape(self.kernel.shape)), (self.bias, db))
        return dx


class SeparableConv2D(Convolution):
    """A depthwise convolution, then a 1x1 convolution that mixes the channels: (N, H, W, C) to (N, OH, OW, filters).

    Weights: depthwise_kernel (KH, KW, C, depth_multiplier), pointwise_kernel (1, 1, C * depth_multiplier, filters),
    bias (filters,). Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017.
    """

    _not_in_config = DepthwiseConv2D._not_in_config
    kernel_name = "pointwise_kernel"

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
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
            kernel_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        for label, value in (("filters", filters), ("depth_multiplier", depth_multiplier)):
            if not is_positive_integer(value):
                raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
        self.filters, self.depth_multiplier = int(filters), int(depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_initializer, self.pointwise_regularizer, self.pointwise_constraint = (
            self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint,
        )  # fmt: skip
        self.depthwise_kernel = None

    def filters_for(self, C):
        return self.filters

    def build(self, input_shape):
        C = input_shape[3]
        if C is not None:
            self.depthwise_kernel = self.add_weight(
                (*self.kernel_size, C, self.depth_multiplier),
                self.depthwise_initializer,
                regularizer=self.depthwise_regularizer,
                constraint=self.depthwise_constraint,
                name="depthwise_kernel",
            )
        super().build(input_shape)

    def kernel_shape(self, C):
        return (1, 1, C * self.depth_multiplier, self.filters)

    @property
    def pointwise_kernel(self):
        return self.kernel

    def flops(self, input_shape):
        (_, OH, OW, _), (KH, KW) = self.compute_output_shape(input_shape), self.kernel_size
        channels = self.input_channels * self.depth_multiplier
        return OH * OW * (2 * KH * KW * channels + self.filters * (2 * channels + self.use_bias))

    def largest_output(self, input_shape):
        N, OH, OW, _ = self.compute_output_shape(input_shape)
        between = (N, OH, OW, self.input_channels * self.depth_multiplier)  # after the depthwise convolution
        return max(super().largest_output(input_shape), math.prod(size or 1 for size in between[1:]))

    def forward(self, x, training=False, need_saved=True, logits=False):
        KH, KW, C, multiplier = self.depthwise_kernel.shape
        depthwise = self.depthwise_kernel.array.reshape(KH, KW, 1, C * multiplier)
        between, saved_depthwise = conv2d.forward(
            x, depthwise, None, self.strides, self.padding, self.dilation_rate, C, need_saved=bool(need_saved)
        )
        y, saved_pointwise = conv2d.forward(
            between, self.kernel.array, self.bias_value, relu=self.activation.operation == "relu",
            need_saved=bool(need_saved),
        )  # fmt: skip
        y, saved_activation = self.activate(y, self.activation, training, bool(need_saved), logits)
        return y, (saved_depthwise, saved_pointwise, saved_activation)

    def backward(self, dy, saved, need_dx=True):
        saved_depthwise, saved_pointwise, saved_activation = saved
        dz = self.activation_gradient(dy, saved_activation)
        d_between, d_pointwise, db = conv2d.backward(dz, saved_pointwise)
        dx, d_depthwise, _ = conv2d.backward(d_between, saved_depthwise, need_dx)
        self.add_gradients(
            (self.depthwise_kernel, d_depthwise.reshape(self.depthwise_kernel.shape)), (self.kernel, d_pointwise),
            (self.bias, db),
        )  # fmt: skip
        return dx

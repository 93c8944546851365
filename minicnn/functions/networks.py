"""The functions of networks: activations, convolutions, pooling, one-hot labels, cross-entropies."""

from __future__ import annotations

import builtins

import numpy as np

from .. import activations, config, losses
from ..activations import Activation as Function
from ..layers.activation import ELU, Activation, LeakyReLU
from ..layers.names import operation_name
from ..layers.operations import ConvolutionBy
from ..layers.pool import AveragePooling2D, MaxPooling2D
from ..shapes import pair
from ..symbol import Symbol
from .apply import computed, draws, dtype_of, symbols_of
from .elementwise import exp, log, sqrt
from .making import arange, cast
from .operators import add, clip, divide, equal, multiply, negative, subtract
from .places import expand_dims, moveaxis, reshape
from .reductions import logsumexp, mean, sum

__all__ = [
    "average_pool", "batch_normalization", "binary_crossentropy", "categorical_crossentropy", "celu", "conv",
    "conv_transpose", "depthwise_conv", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "one_hot", "relu", "relu6",
    "selu", "separable_conv", "sigmoid", "silu", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy",
    "swish", "tanh_shrink",
]  # fmt: skip


def _activated(x, function):
    if not draws(x):
        return computed(function, x)
    return _operation(Activation, function.__name__, x, function)


def _operation(layer_class, kind, x, *arguments, **named):
    """A layer called on a symbol as an operation, which `Model.layers` leaves out."""
    layer = layer_class(*arguments, name=operation_name(kind), dtype=dtype_of(x), **named)
    layer.is_operation = True
    return layer(Symbol.of(x, dtype_of(x)))


def _activation(name):
    function = getattr(activations, name)

    def activation(x):
        return _activated(x, function)

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = f"The activation {name}."
    return activation


relu, relu6, selu, sigmoid = (_activation(name) for name in ("relu", "relu6", "selu", "sigmoid"))
softplus, softsign, silu = (_activation(name) for name in ("softplus", "softsign", "silu"))
hard_sigmoid, hard_silu = _activation("hard_sigmoid"), _activation("hard_silu")
swish, hard_swish = silu, hard_silu


def leaky_relu(x, negative_slope=0.2):
    """x, or negative_slope * x below zero."""
    if draws(x):
        return _operation(LeakyReLU, "leaky_relu", x, negative_slope)
    return computed(Function("leaky_relu", "leaky_relu", negative_slope), x)


def elu(x, alpha=1.0):
    """x, or alpha * (exp(x) - 1) below zero."""
    if draws(x):
        return _operation(ELU, "elu", x, alpha)
    return computed(Function("elu", "elu", alpha), x)


def celu(x, alpha=1.0):
    """x, or alpha * (exp(x / alpha) - 1) below zero."""
    return elu(x / alpha, 1.0) * alpha


def gelu(x, approximate=True):
    """x * Phi(x), Phi being the normal distribution function; approximate takes a tanh for it."""
    if not approximate:
        return _activated(x, activations.gelu)
    x = x if draws(x) else np.asarray(x)
    inside = (x + x * x * x * 0.044715) * float(np.sqrt(2 / np.pi))
    return x * sigmoid(inside * 2.0)


def hard_tanh(x):
    """x, at least -1 and at most 1."""
    return clip(x, -1.0, 1.0)


def log_sigmoid(x):
    """log(sigmoid(x))."""
    return negative(softplus(negative(x)))


def tanh_shrink(x):
    """x - tanh(x)."""
    return subtract(x, 2.0 * sigmoid(2.0 * x) - 1.0)


def softmax(x, axis=-1):
    """exp(x), divided by its sum along an axis, or along several."""
    if axis is None:
        axis = list(range(builtins.len(x.shape) if hasattr(x, "shape") else np.ndim(x)))
    if isinstance(axis, (tuple, list)):
        return softmax(x, axis[0]) if builtins.len(axis) == 1 else exp(subtract(x, logsumexp(x, axis, True)))
    rank = builtins.len(x.shape) if hasattr(x, "shape") else np.ndim(x)
    if axis in (-1, rank - 1):
        return _activated(x, activations.softmax)
    return moveaxis(_activated(moveaxis(x, axis, -1), activations.softmax), -1, axis)


def log_softmax(x, axis=-1):
    """log(softmax(x)), without the loss of small numbers."""
    return subtract(x, logsumexp(x, axis, True))


def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """1 at the place of a label, 0 elsewhere, along a new axis."""
    found = cast(equal(expand_dims(x, -1), arange(num_classes)), dtype or config.floatx())
    return found if axis == -1 else moveaxis(found, -1, axis)


def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """The convolution of images (N, H, W, C) with a kernel (KH, KW, C / groups, F)."""
    return _convolved("conv", inputs, kernel, strides, padding, data_format, dilation_rate)


def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """The convolution of each channel by itself: kernel (KH, KW, C, multiplier)."""
    return _convolved("depthwise_conv", inputs, kernel, strides, padding, data_format, dilation_rate)


def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """A depthwise convolution, then one with a kernel (1, 1, C * multiplier, F)."""
    between = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(between, pointwise_kernel)


def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """The transposed convolution: kernel (KH, KW, F, C)."""
    return _convolved("conv_transpose", inputs, kernel, strides, padding, data_format, dilation_rate, output_padding)


def _convolved(kind, inputs, kernel, strides, padding, data_format, dilation_rate, output_padding=None):
    config.checked_data_format(data_format)
    output_padding = (output_padding,) * 2 if isinstance(output_padding, int) else output_padding
    arguments = pair(strides, "strides"), padding, pair(dilation_rate, "dilation_rate"), output_padding
    if draws(inputs, kernel):
        symbols = symbols_of(inputs, kernel)
        return ConvolutionBy(kind, *arguments, dtype=symbols[0].dtype)(symbols)
    return _on_arrays(lambda dtype: ConvolutionBy(kind, *arguments, dtype=dtype), inputs, kernel)


def _on_arrays(make, *arrays):
    """The outputs of a layer for arrays: in float64 if all of them are, else in the default type."""
    doubles = builtins.all(np.asarray(array).dtype == np.float64 for array in arrays)
    layer = make("float64" if doubles else config.floatx())
    return layer([np.asarray(array) for array in arrays] if layer.takes_several else np.asarray(arrays[0]))


def _pooled(layer, kind, inputs, pool_size, strides, padding, data_format):
    if draws(inputs):
        return _operation(layer, kind, inputs, pool_size, strides, padding, data_format=data_format)
    return _on_arrays(lambda dtype: layer(pool_size, strides, padding, data_format=data_format, dtype=dtype), inputs)


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest number of each window."""
    return _pooled(MaxPooling2D, "max_pool", inputs, pool_size, strides, padding, data_format)


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window."""
    return _pooled(AveragePooling2D, "average_pool", inputs, pool_size, strides, padding, data_format)


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with a number of each for every place along `axis`."""
    rank = builtins.len(x.shape)

    def along(part):
        return reshape(part, [-1 if i == axis % rank else 1 for i in range(rank)])

    y = divide(subtract(x, along(mean)), sqrt(along(variance) + epsilon))
    y = y if scale is None else multiply(y, along(scale))
    return y if offset is None else y + along(offset)


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
    """x with mean 0 and variance 1 along an axis, then times gamma plus beta. rms_scaling: x only divided by its
    deviation, then times gamma."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    centred, epsilon = subtract(x, mean(x, axes, True)), config.epsilon() if epsilon is None else epsilon
    y = divide(x if rms_scaling else centred, sqrt(mean(multiply(centred, centred), axes, True) + epsilon))
    rank = len(y.shape)
    axes = sorted(axis % rank for axis in axes)

    def spread(v):
        """v, which may have the axes that are normalized only, with all axes of x."""
        v = v if hasattr(v, "shape") else np.asarray(v)
        sizes = [x.shape[axis] if axis in axes else 1 for axis in range(rank)]
        return v if axes == [rank - 1] or len(v.shape) == rank else reshape(v, sizes)

    y = y if gamma is None else multiply(y, spread(gamma))
    return y if beta is None or rms_scaling else add(y, spread(beta))


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum of target * log(output) along an axis; from_logits: of log_softmax(output)."""
    if not draws(target, output):
        return losses.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)
    if from_logits:
        logarithm = log_softmax(output, axis)
    else:
        output = divide(output, sum(output, axis, True))
        logarithm = log(clip(output, config.epsilon(), 1 - config.epsilon()))
    return negative(sum(multiply(target, logarithm), axis))


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """The same for integer labels."""
    if not draws(target, output):
        return losses.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)
    target = Symbol.of(target, dtype_of(output))
    if builtins.len(target.shape) == builtins.len(output.shape) and target.shape[-1] == 1:
        target = reshape(target, [*target.shape[:-1]] if None not in target.shape[1:-1] else target.shape[:-1])
    return categorical_crossentropy(one_hot(target, output.shape[axis]), output, from_logits, axis)


def binary_crossentropy(target, output, from_logits=False):
    """-target * log(output) - (1 - target) * log(1 - output), number by number."""
    if from_logits:
        return softplus(output) - multiply(target, output)
    p = clip(output, config.epsilon(), 1 - config.epsilon())
    return negative(multiply(target, log(p)) + multiply(1.0 - target, log(1.0 - p)))

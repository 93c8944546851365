"""The functions of `tensorflow.keras.backend`, which older programs use: mostly those of `ops` under earlier names.

Own losses and metrics are often written with them: `K.sum(K.flatten(y_true) * K.flatten(y_pred))`. They take arrays,
and symbols within a loss or a `call`.
"""

from __future__ import annotations

import builtins
import contextlib
import math

import numpy as np

from . import activations, config, ops, random
from .activations import elu
from .variable import Variable

_OF_OPS = (
    "abs", "all", "any", "arange", "binary_crossentropy", "cast", "categorical_crossentropy", "cos", "cumprod", "dot",
    "equal", "exp", "expand_dims", "greater", "greater_equal", "less", "less_equal", "log", "max", "maximum", "mean",
    "min", "minimum", "ndim", "not_equal", "one_hot", "ones", "ones_like", "prod", "reshape", "round", "shape",
    "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "square", "squeeze",
    "stack", "std", "stop_gradient", "sum", "tanh", "tile", "transpose", "var", "zeros", "zeros_like",
)  # fmt: skip
"""Functions that are those of `ops`, up to arguments that only `ops` has."""

for _name in _OF_OPS:
    globals()[_name] = getattr(ops, _name)

random_normal, random_uniform, truncated_normal = random.normal, random.uniform, random.truncated_normal


def argmax(x, axis=-1):
    """The place of the largest number along an axis."""
    return ops.argmax(x, axis)


def argmin(x, axis=-1):
    """The place of the smallest number along an axis."""
    return ops.argmin(x, axis)


def batch_dot(x, y, axes=None):
    """The product of x (N, ...) and y (N, ...), sample by sample: the sum over one axis of each. Two matrices (N, F)
    give (N, 1)."""
    if axes is None:
        axes = len(x.shape) - 1, builtins.max(len(y.shape) - 2, 1)
    axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
    of_x, of_y = list("abcd"[: len(x.shape)]), list("apqr"[: len(y.shape)])
    of_x[axes[0]] = of_y[axes[1]] = "k"
    kept = [letter for letter in of_x if letter != "k"] + [letter for letter in of_y if letter not in ("k", "a")]
    made = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->{''.join(kept)}", x, y)
    return ops.expand_dims(made, -1) if len(made.shape) == 1 else made


def batch_flatten(x):
    """x (N, ...) as (N, F)."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def batch_get_value(tensors):
    """The numbers of variables, as arrays."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples):
    """Set variables: (variable, numbers) pairs."""
    for x, value in tuples:
        set_value(x, value)


def bias_add(x, bias, data_format=None):
    """x (..., C) plus bias (C,)."""
    config.checked_data_format(data_format)
    return x + bias


def cast_to_floatx(x):
    """x as numbers of the default float type."""
    return ops.cast(x, config.floatx())


def clip(x, min_value, max_value):
    """x, but at least min_value and at most max_value."""
    return ops.clip(x, min_value, max_value)


def concatenate(tensors, axis=-1):
    """Arrays one after the other along an axis."""
    return ops.concatenate(tensors, axis)


def constant(value, dtype=None, shape=None, name=None):
    """An array of this value, repeated to the shape if one is given."""
    made = np.asarray(value, dtype or config.floatx())
    return made if shape is None else np.broadcast_to(made, shape).copy()


def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """The convolution of images (N, H, W, C) with a kernel (KH, KW, C, F)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """The convolution of rows (N, L, C) with a kernel (K, C, F)."""
    if padding == "causal":
        raise ValueError('conv1d pads "valid" or "same" here; received padding="causal".')
    kernel = ops.expand_dims(kernel, 0)
    y = ops.conv(ops.expand_dims(x, 1), kernel, (1, strides), padding, data_format, (1, dilation_rate))
    return ops.squeeze(y, 1)


def count_params(x) -> int:
    """How many numbers there are."""
    return math.prod(x.shape)


def cumsum(x, axis=0):
    """The sums of the numbers up to each place along an axis."""
    return ops.cumsum(x, axis)


def dropout(x, level, noise_shape=None, seed=None):
    """Each number becomes 0 with probability `level`; the others are multiplied by 1 / (1 - level)."""
    return random.dropout(x, level, noise_shape, seed)


def dtype(x) -> str:
    """The name of the type of the numbers."""
    return np.dtype(x.dtype).name


def eye(size, dtype=None, name=None):
    """The identity matrix (size, size)."""
    return ops.eye(size, dtype=dtype)


def flatten(x):
    """All numbers in one row."""
    return ops.reshape(x, (-1,))


def gather(reference, indices):
    """The parts of `reference` at these places of its first axis."""
    return ops.take(reference, indices, 0)


def get_value(x):
    """The numbers of a variable, of an array, or of an optimizer's learning rate."""
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


eval = get_value


def hard_sigmoid(x):
    """0.2 x + 0.5, at least 0 and at most 1. (`activations.hard_sigmoid` has the slope 1 / 6.)"""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def int_shape(x) -> tuple:
    """The shape, with None for sizes that are not known."""
    return tuple(x.shape)


def l2_normalize(x, axis=None):
    """x divided by its length along an axis, or by the length of all numbers."""
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def moving_average_update(x, value, momentum):
    """Set a variable to momentum * itself + (1 - momentum) * value."""
    return update(x, x * momentum + value * (1 - momentum))


def name_scope(name):
    """A block in which nothing changes: names of layers do not depend on it."""
    return contextlib.nullcontext()


def permute_dimensions(x, pattern):
    """The axes in another order."""
    return ops.transpose(x, pattern)


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """The largest numbers, or with pool_mode="avg" the means, of windows of images (N, H, W, C)."""
    if pool_mode not in ("max", "avg"):
        raise ValueError(f'pool_mode must be "max" or "avg"; received pool_mode={pool_mode!r}.')
    function = ops.max_pool if pool_mode == "max" else ops.average_pool
    return function(x, pool_size, strides, padding, data_format)


def pow(x, a):
    """x to the power a."""
    return ops.power(x, a)


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability p, otherwise 0."""
    return ops.cast(random.uniform(shape, seed=seed) < p, dtype or config.floatx())


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """x from `threshold` on, at most max_value; below, alpha * (x - threshold)."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def repeat(x, n):
    """Each row of x (N, F) n times: (N, n, F)."""
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x, rep, axis):
    """Each part along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


def resize_images(x, height_factor, width_factor, data_format=None, interpolation="nearest"):
    """Images (N, H, W, C) whose sizes are multiplied by these factors."""
    H, W = x.shape[1:3]
    return ops.image.resize(x, (H * height_factor, W * width_factor), interpolation, data_format=data_format)


def reverse(x, axes):
    """The numbers in reverse order along the axes."""
    return ops.flip(x, axes)


def set_value(x, value) -> None:
    """Set a variable, or an optimizer's learning rate."""
    x.assign(value)


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Images with zeros around them: rows (above, below) and columns (left, right)."""
    config.checked_data_format(data_format)
    return ops.pad(x, ((0, 0), *(tuple(sides) for sides in padding), (0, 0)))


def sqrt(x):
    """The square root; of numbers below 0 it is 0."""
    return ops.sqrt(ops.maximum(x, 0.0))


def switch(condition, then_expression, else_expression):
    """The first expression where the condition holds, the second elsewhere; each may be a function without
    arguments."""
    first, second = (e() if callable(e) else e for e in (then_expression, else_expression))
    return ops.where(condition, first, second)


def update(x, new_x):
    """Set a variable, and return it."""
    x.assign(new_x)
    return x


def update_add(x, increment):
    """Add to a variable, and return it."""
    return update(x, x + increment)


def update_sub(x, decrement):
    """Subtract from a variable, and return it."""
    return update(x, x - decrement)


def variable(value, dtype=None, name=None, constraint=None):
    """A variable with this value."""
    return Variable(np.asarray(value, dtype or config.floatx()), name=name, constraint=constraint)


__all__ = [
    *_OF_OPS, "argmax", "argmin", "batch_dot", "batch_flatten", "batch_get_value", "batch_set_value", "bias_add",
    "cast_to_floatx", "clip", "concatenate", "constant", "conv1d", "conv2d", "count_params", "cumsum", "dropout",
    "dtype", "elu", "eval", "eye", "flatten", "gather", "get_value", "hard_sigmoid", "int_shape", "l2_normalize",
    "moving_average_update", "name_scope", "permute_dimensions", "pool2d", "pow", "random_bernoulli", "random_normal",
    "random_uniform", "relu", "repeat", "repeat_elements", "resize_images", "reverse", "set_value",
    "spatial_2d_padding", "sqrt", "switch", "truncated_normal", "update",
    "update_add", "update_sub", "variable",
]  # fmt: skip

"""Convolution, pooling and padding of sequences (N, T, F): images of one row, for the functions of images."""

from __future__ import annotations

from .. import ops
from ..config import checked_data_format
from ..shapes import is_positive_integer
from .activated import ActivatedLayer
from .base import Layer
from .checks import checked_choice


def _one(value, label) -> tuple[int]:
    """A positive integer, or a tuple of one, as a tuple of one."""
    given = value if isinstance(value, (tuple, list)) else (value,)
    if len(given) != 1 or not is_positive_integer(given[0]):
        raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
    return (int(given[0]),)


def _as_row(x):
    return ops.expand_dims(x, 1)


class Conv1D(ActivatedLayer):
    """Convolution of sequences: (N, T, F) to (N, OT, filters); kernel (K, F / groups, filters).

    padding "causal" pads the beginning alone, so that no output sees what comes later.
    """

    rank = 3

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1,
        activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, **kwargs,
        )  # fmt: skip
        for label, value in (("filters", filters), ("groups", groups)):
            if not is_positive_integer(value):
                raise ValueError(f"{label} must be a positive integer; received {label}={value!r}.")
        self.filters, self.groups = int(filters), int(groups)
        self.kernel_size, self.strides = _one(kernel_size, "kernel_size"), _one(strides, "strides")
        self.padding = checked_choice(padding, ("valid", "same", "causal"), "padding")
        self.data_format, self.dilation_rate = checked_data_format(data_format), _one(dilation_rate, "dilation_rate")

    ends_in = None  # that of what `call` draws, instead of `ActivatedLayer`'s

    def build(self, input_shape):
        features = input_shape[-1]
        if features is None or features % self.groups:
            raise ValueError(
                f"{self.name!r} must know the number of features, and groups={self.groups} must divide it; received "
                f"shape {tuple(input_shape)}."
            )
        self.add_kernel_and_bias((*self.kernel_size, features // self.groups, self.filters), self.filters)

    def call(self, inputs):
        (size,), (stride,), (dilation,) = self.kernel_size, self.strides, self.dilation_rate
        padding = self.padding
        if padding == "causal":
            inputs, padding = ops.pad(inputs, ((0, 0), (dilation * (size - 1), 0), (0, 0))), "valid"
        y = ops.conv(_as_row(inputs), ops.expand_dims(self.kernel, 0), (1, stride), padding, None, (1, dilation))
        y = ops.squeeze(y, 1)
        return self.activation(y + self.bias if self.use_bias else y)


class _Pooling1D(Layer):
    """One number per window and feature: (N, T, F) to (N, OT, F). strides None means the pool's size."""

    rank = 3

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = _one(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else _one(strides, "strides")
        self.padding = checked_choice(padding, ("valid", "same"), "padding")
        self.data_format = checked_data_format(data_format)

    def _pooled(self, pool, inputs):
        return ops.squeeze(pool(_as_row(inputs), (1, *self.pool_size), (1, *self.strides), self.padding), 1)


class MaxPooling1D(_Pooling1D):
    """Each feature's largest number in every window."""

    def call(self, inputs):
        return self._pooled(ops.max_pool, inputs)


class AveragePooling1D(_Pooling1D):
    """Each feature's mean over every window; places outside the sequence are not counted."""

    def call(self, inputs):
        return self._pooled(ops.average_pool, inputs)


def _two(value, label) -> tuple[int, int]:
    """One number, or one for each end, as a pair."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(given) != 2 or not all(hasattr(n, "__index__") and n >= 0 for n in given):
        raise ValueError(f"{label} must be an integer of 0 or more, or a pair; received {label}={value!r}.")
    return int(given[0]), int(given[1])


class ZeroPadding1D(Layer):
    """Adds zeros at both ends of sequences. padding: one number, or (before, after)."""

    rank = 3

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.padding, self.data_format = _two(padding, "padding"), checked_data_format(data_format)

    def call(self, inputs):
        return ops.pad(inputs, ((0, 0), self.padding, (0, 0)))


class Cropping1D(Layer):
    """Cuts both ends off sequences. cropping: one number, or (before, after)."""

    rank = 3

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self.cropping = _two(cropping, "cropping")

    def call(self, inputs):
        before, after = self.cropping
        return inputs[:, before : -after if after else None]


class UpSampling1D(Layer):
    """Repeats every place of a sequence `size` times."""

    rank = 3

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        (self.size,) = _one(size, "size")

    def call(self, inputs):
        return ops.repeat(inputs, self.size, axis=1)

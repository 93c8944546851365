"""Layers that drop or disturb numbers in training. Their only state is `random_counter`: the number of masks that they
have drawn from `random_stream`."""

from __future__ import annotations

import math

from .. import config
from ..config import checked_data_format
from ..kernels.random import stream_key
from ..ops import dropout, noise
from ..runtime import transfer
from ..shapes import is_number, is_positive_integer
from .base import Layer


class _Random(Layer):
    """A layer that draws random numbers. The same seed gives the same numbers in every process."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.random_stream = config.next_seed() if seed is None else int(seed)
        self.random_counter = 0

    def key(self):
        """The key of the random numbers of this call."""
        return transfer.number(self._next_key, "uint64")

    def _next_key(self):
        key = stream_key(self.random_stream, self.random_counter)
        self.random_counter += 1
        return key


class _Dropping(_Random):
    """A layer that drops with probability `rate`. Along axes where noise_shape is 1, numbers drop together."""

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.rate, self.noise_shape = _checked_rate(rate), None if noise_shape is None else tuple(noise_shape)
        if any(n is not None and not is_positive_integer(n) for n in self.noise_shape or ()):
            raise ValueError(f"noise_shape must hold positive integers or None; received noise_shape={noise_shape!r}.")

    def mask_shape(self, x_shape) -> tuple | None:
        """The shape of the mask, or None if it is x's shape."""
        if self.noise_shape is None:
            return None
        sizes = [size if noise is None else noise for noise, size in zip(self.noise_shape, x_shape, strict=False)]
        if len(self.noise_shape) != len(x_shape) or any(n not in (1, s) for n, s in zip(sizes, x_shape, strict=True)):
            raise ValueError(
                f"noise_shape must have the input's sizes, 1 or None; received noise_shape={self.noise_shape!r} "
                f"for inputs of shape {tuple(x_shape)}."
            )
        return tuple(sizes)


class Dropout(_Dropping):
    """In training each number is zero with probability `rate`, and the others are multiplied by 1 / (1 - rate)."""

    def forward(self, x, training=False, need_saved=True):
        if not training or self.rate == 0:
            return x, None
        return dropout.forward(x, self.rate, self.key(), self.mask_shape(x.shape), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else dropout.backward(dy, saved, need_dx)


class SpatialDropout2D(Dropout):
    """Dropout of whole channels. Neighbouring pixels are similar, so dropping single pixels would change little."""

    rank = 4
    _not_in_config = (*Layer._not_in_config, "noise_shape", "trainable")  # Keras's takes no trainable

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, None, seed, **kwargs)
        self.data_format = checked_data_format(data_format)

    def mask_shape(self, x_shape):
        N, _, _, C = x_shape
        return (N, 1, 1, C)


class AlphaDropout(_Dropping):
    """Dropout for networks with selu: dropped numbers get the value where selu saturates. Mean and variance stay."""

    def forward(self, x, training=False, need_saved=True):
        if not training or self.rate == 0:
            return x, None
        return noise.alpha_forward(x, self.rate, self.key(), self.mask_shape(x.shape), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else noise.alpha_backward(dy, saved, need_dx)


class GaussianDropout(_Random):
    """In training each number is multiplied by a normally distributed one of mean 1 and variance rate / (1 - rate)."""

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.rate = _checked_rate(rate)
        if self.rate == 1:
            raise ValueError("GaussianDropout needs a rate below 1; received rate=1.")

    def forward(self, x, training=False, need_saved=True):
        if not training or self.rate == 0:
            return x, None
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return noise.multiplied_forward(x, stddev, self.key(), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else noise.multiplied_backward(dy, saved, need_dx)


class GaussianNoise(_Random):
    """In training a normally distributed number of standard deviation `stddev` is added to each number."""

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not (is_number(stddev) and stddev >= 0):
            raise ValueError(f"stddev must be a number, zero or more; received stddev={stddev!r}.")
        self.stddev = stddev

    def forward(self, x, training=False, need_saved=True):
        if not training or self.stddev == 0:
            return x, None
        return noise.added_forward(x, self.stddev, self.key(), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return dy


def _checked_rate(rate):
    if not (is_number(rate) and 0 <= rate <= 1):
        raise ValueError(f"rate must be a number from 0 to 1; received rate={rate!r}.")
    return rate

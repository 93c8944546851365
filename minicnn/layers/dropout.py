"""Dropout layers. Their only state is `random_counter`: how many masks they have drawn of `random_stream`."""

from __future__ import annotations

import numpy as np

from .. import config
from ..kernels.random import stream_key
from ..ops import dropout, transfer
from .base import Layer, checked_data_format


class Dropout(Layer):
    """In training each number is zero with probability `rate`, and the others grow by 1 / (1 - rate)."""

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        is_number = isinstance(rate, (int, float, np.number)) and not isinstance(rate, bool)
        if not (is_number and 0 <= rate <= 1):
            raise ValueError(f"rate must be a number from 0 to 1; received rate={rate!r}.")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.random_stream = config.next_seed() if seed is None else int(seed)
        self.random_counter = 0

    def mask_shape(self, x_shape) -> tuple | None:
        """The shape that the mask is drawn in, or None for x's own."""
        if self.noise_shape is None:
            return None
        sizes = [size if noise is None else noise for noise, size in zip(self.noise_shape, x_shape, strict=False)]
        if len(self.noise_shape) != len(x_shape) or any(n not in (1, s) for n, s in zip(sizes, x_shape, strict=True)):
            raise ValueError(
                f"noise_shape must have the input's sizes, 1 or None; received noise_shape={self.noise_shape!r} "
                f"for inputs of shape {tuple(x_shape)}."
            )
        return tuple(sizes)

    def forward(self, x, training=False, need_saved=True):
        if not training or self.rate == 0:
            return x, None
        key = transfer.number(self._next_key, "uint64")
        return dropout.forward(x, self.rate, key, self.mask_shape(x.shape), bool(need_saved))

    def _next_key(self):
        key = stream_key(self.random_stream, self.random_counter)
        self.random_counter += 1
        return key

    def backward(self, dy, saved, need_dx=True):
        return dy if saved is None else dropout.backward(dy, saved, need_dx)


class SpatialDropout2D(Dropout):
    """Dropout of whole channels: neighbouring pixels say much the same, so dropping single ones takes little away."""

    rank = 4
    _not_in_config = (*Layer._not_in_config, "noise_shape", "trainable")  # Keras's takes no trainable

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, None, seed, **kwargs)
        self.data_format = checked_data_format(data_format)

    def mask_shape(self, x_shape):
        N, _, _, C = x_shape
        return (N, 1, 1, C)

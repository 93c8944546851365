"""Pooling to a given size: the windows grow with the image."""

from __future__ import annotations

import numpy as np

from .. import ops
from ..config import checked_data_format
from ..shapes import pair
from .base import Layer


def windows(size: int, count: int) -> list[tuple[int, int]]:
    """(begin, end) of `count` windows over `size` pixels, which may overlap by one.

    >>> windows(7, 3)
    [(0, 3), (2, 5), (4, 7)]
    """
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class _AdaptivePooling2D(Layer):
    rank = 4

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.output_size = pair(output_size, "output_size")
        self.data_format = checked_data_format(data_format)


class AdaptiveAveragePooling2D(_AdaptivePooling2D):
    """The mean of each window: (N, H, W, C) to (N, *output_size, C)."""

    def call(self, inputs):
        down, across = (
            np.array(
                [
                    [1 / (end - begin) if begin <= i < end else 0.0 for i in range(size)]
                    for begin, end in windows(size, n)
                ]
            )
            for size, n in zip(ops.shape(inputs)[1:3], self.output_size, strict=True)
        )
        return ops.einsum("nhvc,wv->nhwc", ops.einsum("nhwc,vh->nvwc", inputs, down), across)


class AdaptiveMaxPooling2D(_AdaptivePooling2D):
    """The largest number of each window: (N, H, W, C) to (N, *output_size, C)."""

    def call(self, inputs):
        down, across = (windows(size, n) for size, n in zip(ops.shape(inputs)[1:3], self.output_size, strict=True))
        rows = ops.stack([ops.max(inputs[:, begin:end], axis=1) for begin, end in down], axis=1)
        return ops.stack([ops.max(rows[:, :, begin:end], axis=2) for begin, end in across], axis=2)

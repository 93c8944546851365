"""Numbers brought to mean 0 and variance 1, by statistics that are found before training."""

from __future__ import annotations

import numpy as np

from .. import config
from ..ops import rescale
from .base import Layer


class Normalization(Layer):
    """(x - mean) / standard deviation, or the way back with invert=True.

    mean and variance are numbers, or one for each channel (the last axis, axis=-1; axis=None: one for all). Instead of
    giving them, call `adapt` with data before training.
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        if axis not in (-1, None, (-1,), [-1], (), []):
            raise ValueError(f"axis must be -1, a mean for each channel, or None, one for all; received axis={axis!r}.")
        if (mean is None) != (variance is None):
            raise ValueError(f"mean and variance go together; received mean={mean!r}, variance={variance!r}.")
        self.axis = None if axis in (None, (), []) else -1
        self.mean, self.variance, self.invert = mean, variance, bool(invert)

    may_be_recorded = False  # the statistics are looked at on the host

    def build(self, input_shape):
        if self.mean is not None:
            return
        if self.axis == -1 and input_shape[-1] is None:
            raise ValueError(f"{self.name!r} needs to know the number of channels; received shape {input_shape}.")
        shape = (input_shape[-1],) if self.axis == -1 else ()
        self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")  # as Keras's files have

    def adapt(self, data) -> None:
        """Take mean and variance from data: an array (n, ...), or an iterable of batches (x, ...)."""
        if self.mean is not None:
            raise ValueError(f"{self.name!r} was given mean and variance: there is nothing to adapt.")
        batches = [data] if isinstance(data, np.ndarray) else data
        count, total, squares, shift = 0, 0.0, 0.0, None
        for batch in batches:
            x = np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
            self.build_for(x.shape)
            axes = tuple(range(x.ndim - 1)) if self.axis == -1 else None
            x = x.astype(np.float64)
            shift = x.mean(axis=axes) if shift is None else shift  # sums around zero lose digits where means are large
            count += x.size // np.size(shift)
            total += (x - shift).sum(axis=axes)
            squares += ((x - shift) ** 2).sum(axis=axes)
        if shift is None:
            raise ValueError("adapt needs data; received no batch.")
        self.adapt_mean.assign(shift + total / count)
        self.adapt_variance.assign(squares / count - (total / count) ** 2)

    def flops(self, input_shape):
        return 2 * int(np.prod(input_shape[1:]))

    def forward(self, x, training=False, need_saved=True):
        mean, variance = (self.mean, self.variance) if self.mean is not None else (self.adapt_mean, self.adapt_variance)
        mean, variance = (np.asarray(v, np.float64).reshape(-1) for v in (mean, variance))
        deviation = np.maximum(np.sqrt(variance), config.epsilon())
        scale, offset = (deviation, mean) if self.invert else (1 / deviation, -mean / deviation)
        C = x.shape[-1]
        scale, offset = (np.broadcast_to(v, (C,)).astype(x.dtype) for v in (scale, offset))
        return rescale.forward(x, scale, offset, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return rescale.backward(dy, saved, need_dx)

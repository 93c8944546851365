"""Normalization to mean 0 and variance 1, by a mean and a variance that are found before training."""

from __future__ import annotations

import numpy as np

from .. import config
from ..ops import rescale
from ..results import Array
from .base import Layer


class Normalization(Layer):
    """(x - mean) / standard deviation, or the inverse of this with invert=True.

    mean and variance are numbers, or arrays with one number for each channel (the last axis). If they are not given,
    call `adapt` with data before training: it finds them for each channel (axis=-1), or for all together (axis=None).
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        axes = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if len(axes) > 1 or not all(hasattr(a, "__index__") for a in axes):
            raise ValueError(
                f"axis must be -1 (a mean for each channel) or None (one mean for all); received axis={axis!r}."
            )
        if (mean is None) != (variance is None):
            raise ValueError(
                f"mean and variance must be given together; received mean={mean!r}, variance={variance!r}."
            )
        self.axis = int(axes[0]) if axes else None
        self._given, self.invert = None if mean is None else (mean, variance), bool(invert)

    may_be_recorded = False  # the host reads the statistics

    def build(self, input_shape):
        if self.axis not in (None, -1, len(input_shape) - 1):
            raise ValueError(
                f"axis must be -1 or {len(input_shape) - 1}, that of the channels, or None; received axis={self.axis}."
            )
        if self._given:
            return
        if self.axis is not None and input_shape[-1] is None:
            raise ValueError(f"{self.name!r} needs to know the number of channels; received shape {input_shape}.")
        shape = (input_shape[-1],) if self.axis is not None else ()
        self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")  # Keras's files have it

    @property
    def mean(self) -> np.ndarray | None:
        """The mean in use, in a shape that broadcasts over inputs; None before there is one."""
        return self._statistic(0)

    @property
    def variance(self) -> np.ndarray | None:
        """The variance in use, in a shape that broadcasts over inputs; None before there is one."""
        return self._statistic(1)

    def _statistic(self, which):
        if not self._given and not self.built:
            return None
        value = np.asarray((self._given or (self.adapt_mean, self.adapt_variance))[which], self.dtype)
        axes = len(self._built_for) if self._built_for else 1
        value = value.reshape((1,) * (axes - value.ndim) + value.shape)
        if self._built_for and self.axis is not None:
            value = np.broadcast_to(value, (*value.shape[:-1], self._built_for[-1]))
        return value.view(Array)

    def get_config(self):
        mean, variance = (None, None) if self._given is None else (np.asarray(v).tolist() for v in self._given)
        return {**super().get_config(), "mean": mean, "variance": variance}

    def adapt(self, data) -> None:
        """Take mean and variance from data: an array (n, ...), or batches, in a PyDataset or another iterable."""
        if self._given:
            raise ValueError(f"{self.name!r} was given mean and variance: there is nothing to adapt.")
        batches = [data] if isinstance(data, np.ndarray) else data
        if hasattr(data, "num_batches"):  # a PyDataset, whose iterator may never end
            batches = (data[i] for i in range(len(data)))
        count, total, squares, shift = 0, 0.0, 0.0, None
        for batch in batches:
            x = np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
            self.build_for(x.shape)
            axes = tuple(range(x.ndim - 1)) if self.axis is not None else None
            x = x.astype(np.float64)
            shift = x.mean(axis=axes) if shift is None else shift  # sums of large numbers would lose digits
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
        if self._given:
            mean, variance = (np.asarray(v, np.float64) for v in self._given)
        else:
            mean, variance = self.adapt_mean.numpy().astype(np.float64), self.adapt_variance.numpy().astype(np.float64)
        deviation, C = np.maximum(np.sqrt(variance), config.epsilon()), x.shape[-1]

        def per_channel(value):
            return np.broadcast_to(value, (C,)).astype(x.dtype)

        if self.invert:
            steps = [(deviation, mean)]
        else:  # the mean first: after the division it may be large, and digits are lost
            steps = [(1.0, -mean), (1 / deviation, 0.0)]
        saved = []
        for scale, offset in steps:
            x, kept = rescale.forward(x, per_channel(scale), per_channel(offset), bool(need_saved))
            saved.append(kept)
        return x, saved

    def backward(self, dy, saved, need_dx=True):
        if not need_dx:
            return None
        for kept in reversed(saved):
            dy = rescale.backward(dy, kept)
        return dy

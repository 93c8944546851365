"""Normalization to mean 0 and variance 1, by a mean and a variance that are found before training."""

from __future__ import annotations

import numpy as np

from .. import config
from ..ops import rescale
from ..results import Array
from .base import Layer


class Normalization(Layer):
    """(x - mean) / standard deviation, or the inverse of this with invert=True.

    There is a mean and a variance for each place along `axis`: by default for each channel (axis=-1), for all numbers
    together with axis=None, for each pixel with axis=(1, 2). mean and variance are numbers, or arrays with these axes.
    If they are not given, call `adapt` with data before training: it finds them.
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        axes = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if not all(hasattr(a, "__index__") for a in axes):
            raise ValueError(f"axis is an integer, several in a tuple, or None; received axis={axis!r}.")
        if (mean is None) != (variance is None) or np.shape(mean) != np.shape(variance):
            raise ValueError(
                "mean and variance must be given together, and have one shape; "
                f"received mean={mean!r}, variance={variance!r}."
            )
        if np.ndim(mean) > max(len(axes), 1):
            raise ValueError(f"mean has more axes than axis={axis!r} names; received mean of shape {np.shape(mean)}.")
        self.axis = axis if axis is None or len(axes) > 1 else int(axes[0]) if axes else None
        self._axes, self.invert = axes, bool(invert)
        self._given = None if mean is None else (mean, variance)

    may_be_recorded = False  # the host reads the statistics

    def build(self, input_shape):
        rank = len(input_shape)
        if not all(-rank <= axis < rank for axis in self._axes):
            raise ValueError(f"{self.name!r} has axis={self.axis}, but its inputs have shape {tuple(input_shape)}.")
        kept = self._kept_of(rank)
        if 0 in kept or any(input_shape[axis] is None for axis in kept):
            raise ValueError(
                f"{self.name!r} needs to know the sizes along axis={self.axis}, which is not the batch's axis; "
                f"received shape {tuple(input_shape)}."
            )
        self._spread = tuple(size if axis in kept else 1 for axis, size in enumerate(input_shape))  # broadcasts over x
        if self._given:
            return
        shape = tuple(input_shape[axis] for axis in kept)
        self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")  # Keras's files have it

    def _kept_of(self, rank):
        """The axes along which each place has a mean of its own, of inputs with `rank` axes."""
        return sorted(axis % rank for axis in self._axes)

    @property
    def mean(self) -> np.ndarray | None:
        """The mean in use, in a shape that broadcasts over inputs; None before there is one."""
        return self._statistic(0)

    @property
    def variance(self) -> np.ndarray | None:
        """The variance in use, in a shape that broadcasts over inputs; None before there is one."""
        return self._statistic(1)

    def _statistic(self, which, dtype=None):
        if not self.built:
            return None if self._given is None else np.asarray(self._given[which], self.dtype).view(Array)
        value = self._given[which] if self._given else (self.adapt_mean, self.adapt_variance)[which].numpy()
        value, shape = np.asarray(value, dtype or self.dtype), [1] * len(self._spread)
        for axis, size in zip(reversed(self._kept_of(len(shape))), reversed(value.shape), strict=False):
            shape[axis] = size
        return np.broadcast_to(value.reshape(shape), self._spread).view(Array)

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
            if not x.shape:
                raise TypeError(f"adapt takes an array, or batches: arrays with a .shape; received {batch!r}.")
            self.build_for(x.shape)
            axes = tuple(axis for axis in range(x.ndim) if axis not in self._kept_of(x.ndim))
            x = x.astype(np.float64)
            shift = x.mean(axis=axes, keepdims=True) if shift is None else shift  # sums of large numbers lose digits
            count += x.size // np.size(shift)
            total += (x - shift).sum(axis=axes, keepdims=True)
            squares += ((x - shift) ** 2).sum(axis=axes, keepdims=True)
        if shift is None:
            raise ValueError("adapt needs data; received no batch.")
        self.adapt_mean.assign((shift + total / count).reshape(self.adapt_mean.shape))
        self.adapt_variance.assign((squares / count - (total / count) ** 2).reshape(self.adapt_mean.shape))

    def flops(self, input_shape):
        return 2 * int(np.prod(input_shape[1:]))

    def forward(self, x, training=False, need_saved=True):
        mean, variance = self._statistic(0, np.float64), self._statistic(1, np.float64)
        deviation = np.maximum(np.sqrt(variance), config.epsilon())
        by_channel = self._kept_of(x.ndim) in ([], [x.ndim - 1])
        places = (x.shape[-1],) if by_channel else x.shape[1:]
        shape, x = x.shape, x if by_channel else x.reshape(len(x), -1)  # then each place has a channel of its own

        def in_places(value):
            return np.ascontiguousarray(np.broadcast_to(value, (1,) * (len(shape) - len(places)) + places), x.dtype)

        if self.invert:
            steps = [(deviation, mean)]
        else:  # the mean first: after the division it may be large, and digits are lost
            steps = [(np.ones(()), -mean), (1 / deviation, np.zeros(()))]
        saved = []
        for scale, offset in steps:
            x, kept = rescale.forward(x, in_places(scale).ravel(), in_places(offset).ravel(), bool(need_saved))
            saved.append(kept)
        return x.reshape(shape), saved

    def backward(self, dy, saved, need_dx=True):
        if not need_dx:
            return None
        shape, by_channel = dy.shape, self._kept_of(dy.ndim) in ([], [dy.ndim - 1])
        dy = dy if by_channel else dy.reshape(len(dy), -1)
        for kept in reversed(saved):
            dy = rescale.backward(dy, kept)
        return dy.reshape(shape)

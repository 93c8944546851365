"""Pooling of sequences (N, T, F) to (N, F): of the patches of an image, for example."""

from __future__ import annotations

from .. import ops
from ..config import checked_data_format
from .base import Layer


class _PooledSequence(Layer):
    """One number for each feature; with keepdims the result is (N, 1, F)."""

    rank = 3

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = checked_data_format(data_format), keepdims


class GlobalAveragePooling1D(_PooledSequence):
    """The mean over the places of a sequence."""

    def call(self, inputs):
        return ops.mean(inputs, axis=1, keepdims=self.keepdims)


class GlobalMaxPooling1D(_PooledSequence):
    """The largest number of each feature."""

    def call(self, inputs):
        return ops.max(inputs, axis=1, keepdims=self.keepdims)

"""Pooling layers."""

from __future__ import annotations

import math

from ..config import checked_data_format
from ..ops import avg_pool2d, global_pool2d, max_pool2d
from ..shapes import output_size, pair, window
from .base import Layer
from .checks import checked_choice


class _Pooling(Layer):
    """One number per window and channel: (N, H, W, C) to (N, OH, OW, C). strides None means the pool's size."""

    rank = 4
    op = None

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pair(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else pair(strides, "strides")
        self.padding = checked_choice(padding, ("valid", "same"), "padding")
        self.data_format = checked_data_format(data_format)

    def compute_output_shape(self, input_shape):
        N, H, W, C = input_shape
        OH = output_size(H, self.pool_size[0], self.strides[0], self.padding)
        OW = output_size(W, self.pool_size[1], self.strides[1], self.padding)
        return (N, OH, OW, C)

    def check_input(self, input_shape):
        _, H, W, _ = input_shape
        if H is not None and W is not None:
            window(H, W, self.pool_size, self.strides, self.padding)

    def flops(self, input_shape):
        return math.prod(self.compute_output_shape(input_shape)[1:]) * math.prod(self.pool_size)

    def forward(self, x, training=False, need_saved=True):
        return self.op.forward(x, self.pool_size, self.strides, self.padding, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return self.op.backward(dy, saved, need_dx)


class MaxPooling2D(_Pooling):
    """Each channel's largest number in every window."""

    op = max_pool2d


class AveragePooling2D(_Pooling):
    """Each channel's mean over every window; cells outside the image are not counted."""

    op = avg_pool2d


class _GlobalPooling(Layer):
    """One number per image and channel: (N, H, W, C) to (N, C), or to (N, 1, 1, C) with keepdims."""

    rank = 4

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)
        self.keepdims = bool(keepdims)

    def compute_output_shape(self, input_shape):
        N, _, _, C = input_shape
        return (N, 1, 1, C) if self.keepdims else (N, C)

    def flops(self, input_shape):
        return math.prod(input_shape[1:])

    def pool_forward(self, x, need_saved):
        raise NotImplementedError(f"{type(self).__name__} does not define pool_forward.")

    def pool_backward(self, dy, saved, need_dx):
        raise NotImplementedError(f"{type(self).__name__} does not define pool_backward.")

    def forward(self, x, training=False, need_saved=True):
        y, saved = self.pool_forward(x, bool(need_saved))
        return y.reshape(self.compute_output_shape(x.shape)), saved

    def backward(self, dy, saved, need_dx=True):
        return self.pool_backward(dy.reshape(dy.shape[0], dy.shape[-1]), saved, need_dx)


class GlobalAveragePooling2D(_GlobalPooling):
    """Each channel's mean over the image."""

    def pool_forward(self, x, need_saved):
        return global_pool2d.average_forward(x, need_saved)

    def pool_backward(self, dy, saved, need_dx):
        return global_pool2d.average_backward(dy, saved, need_dx)


class GlobalMaxPooling2D(_GlobalPooling):
    """Each channel's largest number in the image."""

    def pool_forward(self, x, need_saved):
        return global_pool2d.maximum_forward(x, need_saved)

    def pool_backward(self, dy, saved, need_dx):
        return global_pool2d.maximum_backward(dy, saved, need_dx)

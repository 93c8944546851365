"""Two layers run as one operation, where that spares a pass over memory. The layers themselves do not know of it."""

from __future__ import annotations

from .base import Layer
from .conv import Conv2D
from .penalty import with_activity_penalty
from .pool import MaxPooling2D


class PooledConvolution:
    """A Conv2D and the MaxPooling2D that alone reads its output: the convolution's own output is never written down.

    It stands in for both while a model runs: forward and backward as a layer has them.
    """

    def __init__(self, convolution: Conv2D, pooling: MaxPooling2D):
        self.convolution, self.pooling = convolution, pooling

    @staticmethod
    def joins(first: Layer, second: Layer) -> bool:
        """Whether the two can run as one: ReLU or no activation, windows side by side, both layers' own forward.

        A layer whose forward was replaced (`models/nonfinite.py` watches outputs so) runs by itself.
        """
        return (
            type(first) is Conv2D
            and type(second) is MaxPooling2D
            and first.activation.operation in ("relu", None)
            and second.strides == second.pool_size
            and second.padding == "valid"
            and second.pool_size[0] * second.pool_size[1] < 256
            and second.activity_regularizer is None
            and not ("forward" in vars(first) or "forward" in vars(second))
        )

    def has_trainable_weights(self) -> bool:
        return self.convolution.has_trainable_weights()

    def forward(self, x, training=False, need_saved=True):
        return self.convolution.forward(x, training, need_saved, pool=self.pooling.pool_size)

    def backward(self, dy, saved, need_dx=True):
        return self.convolution.backward(dy, saved, need_dx)


def in_a_row(layers: list[Layer]) -> list:
    """Layers that run one after the other, pairs that can run as one joined."""
    parts: list = []
    for layer in layers:
        if parts and isinstance(parts[-1], Layer) and PooledConvolution.joins(parts[-1], layer):
            parts[-1] = PooledConvolution(parts[-1], layer)
        else:
            parts.append(with_activity_penalty(layer))
    return parts

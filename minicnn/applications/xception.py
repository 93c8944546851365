"""Xception: separable convolutions, in blocks added to their input (Chollet 2016, arXiv 1610.02357)."""

from __future__ import annotations

from ..layers import Activation, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D, add
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions
from .resnet import files_of

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/xception/"
_SUMS = ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97")  # MD5 of the weights with top, without
_BLOCKS = {  # number: filters of its separable convolutions, of which the last one's strides halve the size
    2: (128, 128), 3: (256, 256), 4: (728, 728), **dict.fromkeys(range(5, 13), (728, 728, 728)), 13: (728, 1024),
}  # fmt: skip


def _features(x, weights):
    for i, (filters, stride) in enumerate(((32, 2), (64, 1)), 1):
        x = Conv2D(filters, 3, strides=stride, use_bias=False, name=f"block1_conv{i}")(x)
        x = BatchNormalization(name=f"block1_conv{i}_bn")(x)
        x = Activation("relu", name=f"block1_conv{i}_act")(x)
    for number, filters in _BLOCKS.items():
        x = _block(x, filters, f"block{number}", first_is_active=number > 2)
    for i, filters in enumerate((1536, 2048), 1):
        x = _convolved(x, filters, f"block14_sepconv{i}")
        x = Activation("relu", name=f"block14_sepconv{i}_act")(x)
    return x


def _block(x, filters, name, first_is_active):
    """Separable convolutions of x, halved in size and added to a 1x1 convolution of x; three are added to x itself."""
    halved = len(filters) == 2
    shortcut = x
    if halved:
        shortcut = Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = BatchNormalization()(shortcut)
    for i, channels in enumerate(filters, 1):
        if i > 1 or first_is_active:
            x = Activation("relu", name=f"{name}_sepconv{i}_act")(x)
        x = _convolved(x, channels, f"{name}_sepconv{i}")
    if halved:
        x = MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return add([x, shortcut])


def _convolved(x, filters, name):
    x = SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return BatchNormalization(name=f"{name}_bn")(x)


Xception = network.known(
    "Xception", "xception", _features, files_of("xception", _SUMS, _HOST), 2048, size=299, smallest=71
)


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


__all__ = ["Xception", "decode_predictions", "preprocess_input"]

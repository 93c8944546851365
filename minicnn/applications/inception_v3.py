"""InceptionV3: blocks of several ways side by side, whose outputs are joined (Szegedy et al. 2015, arXiv 1512.00567).

A way is written as a row of convolutions, each (filters, kernel): ((48, 1), (64, 5)) is a 1x1 convolution to 48
channels, then a 5x5 one to 64. Each has a normalization and ReLU behind it.
"""

from __future__ import annotations

from ..layers import Activation, AveragePooling2D, BatchNormalization, Conv2D, MaxPooling2D, concatenate
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions
from .resnet import files_of

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
_SUMS = ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63")  # MD5 of the weights with top, without
_ROW, _COLUMN = (1, 7), (7, 1)


def convolved(x, filters, kernel_size, strides=1, padding="same", activation="relu", name=None):
    """A convolution without bias, normalized, with an activation behind it."""
    x = Conv2D(filters, kernel_size, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = BatchNormalization(scale=False, name=name and f"{name}_bn")(x)
    return Activation(activation, name=name and f"{name}_ac")(x) if activation else x


def way(x, convolutions, halves=False):
    """A row of convolutions; if it halves the size, the last has stride 2 and no padding."""
    *first, last = convolutions
    for filters, kernel_size in first:
        x = convolved(x, filters, kernel_size)
    return convolved(x, *last, *((2, "valid") if halves else ()))


def begun(x):
    """The first layers, which InceptionResNetV2 has too: from (N, H, W, 3) to (N, H/8, W/8, 192)."""
    x = convolved(x, 32, 3, 2, "valid")
    x = convolved(x, 32, 3, 1, "valid")
    x = MaxPooling2D(3, strides=2)(convolved(x, 64, 3))
    x = convolved(x, 80, 1, 1, "valid")
    return MaxPooling2D(3, strides=2)(convolved(x, 192, 3, 1, "valid"))


def _features(x, weights):
    x = begun(x)
    for i, filters in enumerate((32, 64, 64)):
        x = _block(x, ([(64, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)]), filters, f"mixed{i}")
    x = _halved(x, ([(384, 3)], [(64, 1), (96, 3), (96, 3)]), "mixed3")
    for i, n in enumerate((128, 160, 160, 192), 4):
        short = [(n, 1), (n, _ROW), (192, _COLUMN)]
        long = [(n, 1), (n, _COLUMN), (n, _ROW), (n, _COLUMN), (192, _ROW)]
        x = _block(x, ([(192, 1)], short, long), 192, f"mixed{i}")
    x = _halved(x, ([(192, 1), (320, 3)], [(192, 1), (192, _ROW), (192, _COLUMN), (192, 3)]), "mixed8")
    for i in range(2):
        ones = convolved(x, 320, 1)
        threes = _cross(way(x, [(384, 1)]), f"mixed9_{i}")
        twice = _cross(way(x, [(448, 1), (384, 3)]), None)
        x = concatenate([ones, threes, twice, _mean(x, 192)], name=f"mixed{9 + i}")
    return x


def _block(x, ways, filters, name):
    """These ways side by side, and beside them a pooling, convolved to this number of filters."""
    return concatenate([*[way(x, convolutions) for convolutions in ways], _mean(x, filters)], name=name)


def _halved(x, ways, name):
    """Ways that halve the size, and beside them a pooling."""
    made = [way(x, convolutions, halves=True) for convolutions in ways]
    return concatenate([*made, MaxPooling2D(3, strides=2)(x)], name=name)


def _mean(x, filters):
    return convolved(AveragePooling2D(3, strides=1, padding="same")(x), filters, 1)


def _cross(x, name):
    """A row and a column of three pixels, side by side."""
    return concatenate([convolved(x, 384, (1, 3)), convolved(x, 384, (3, 1))], name=name)


InceptionV3 = network.known(
    "InceptionV3", "inception_v3", _features, files_of("inception_v3", _SUMS, _HOST), 2048, size=299, smallest=75
)


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

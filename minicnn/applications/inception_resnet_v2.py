"""InceptionResNetV2: inception blocks, scaled and added to their input (Szegedy et al. 2016, arXiv 1602.07261)."""

from __future__ import annotations

from ..layers import Activation, AveragePooling2D, Conv2D, MaxPooling2D, concatenate
from ..layers.scales import CustomScaleLayer
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions
from .inception_v3 import begun, convolved, way
from .resnet import files_of

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/"
_SUMS = ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4")  # MD5 of the weights with top, without
_WAYS = {  # the ways of a block: rows of (filters, kernel), see inception_v3.py
    "block35": ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]),
    "block17": ([(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]),
    "block8": ([(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]),
}


def _features(x, weights):
    x = begun(x)
    ways = [way(x, row) for row in ([(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)])]
    mean = convolved(AveragePooling2D(3, strides=1, padding="same")(x), 64, 1)
    x = concatenate([*ways, mean], name="mixed_5b")
    for i in range(1, 11):
        x = _block(x, 0.17, "block35", i)
    x = _halved(x, ([(384, 3)], [(256, 1), (256, 3), (384, 3)]), "mixed_6a")
    for i in range(1, 21):
        x = _block(x, 0.1, "block17", i)
    x = _halved(x, ([(256, 1), (384, 3)], [(256, 1), (288, 3)], [(256, 1), (288, 3), (320, 3)]), "mixed_7a")
    for i in range(1, 10):
        x = _block(x, 0.2, "block8", i)
    return convolved(_block(x, 1.0, "block8", 10), 1536, 1, name="conv_7b")


def _block(x, scale, kind, number):
    """The ways of this kind of block, joined, convolved to the channels of x, scaled, and added to x."""
    name = f"{kind}_{number}"
    joined = concatenate([way(x, row) for row in _WAYS[kind]], name=f"{name}_mixed")
    y = Conv2D(x.shape[-1], 1, padding="same", name=f"{name}_conv")(joined)
    y = CustomScaleLayer(scale)([x, y])
    return y if scale == 1 else Activation("relu", name=f"{name}_ac")(y)


def _halved(x, ways, name):
    """Ways that halve the size, and beside them a pooling."""
    return concatenate([*[way(x, row, halves=True) for row in ways], MaxPooling2D(3, strides=2)(x)], name=name)


InceptionResNetV2 = network.known(
    "InceptionResNetV2",
    "inception_resnet_v2",
    _features,
    files_of("inception_resnet_v2", _SUMS, _HOST),
    1536,
    size=299,
    smallest=75,
)


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

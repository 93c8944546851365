"""ResNet50V2, 101V2, 152V2: normalization and ReLU before each convolution (He et al. 2016, arXiv 1603.05027)."""

from __future__ import annotations

from ..layers import Activation, Add, Conv2D, MaxPooling2D, ZeroPadding2D
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions
from .resnet import POOL_NAMES, begun, files_of, normalized, pooled_once

_FILTERS = (64, 128, 256, 512)
_NETWORKS = {  # blocks in each stack, MD5 of the weights with top and without
    "resnet50v2": ((3, 4, 6, 3), "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    "resnet101v2": ((3, 4, 23, 3), "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "resnet152v2": ((3, 8, 36, 3), "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
}


def _network(kind, title):
    blocks, *sums = _NETWORKS[kind]

    def features(x, weights):
        x = pooled_once(begun(x))
        for stack, (filters, count) in enumerate(zip(_FILTERS, blocks, strict=True), 2):
            for block in range(1, count + 1):
                stride = 2 if block == count and stack < 5 else 1
                x = _block(x, filters, stride, block == 1, f"conv{stack}_block{block}")
        return Activation("relu", name="post_relu")(normalized(x, "post_bn"))

    return network.known(title, kind, features, files_of(kind, sums), 2048, pool_names=POOL_NAMES)


def _block(x, filters, stride, convolve_shortcut, name):
    """1x1, 3x3 and 1x1 convolutions of the normalized x, added to x, or to a 1x1 convolution of it."""
    ready = Activation("relu", name=f"{name}_preact_relu")(normalized(x, f"{name}_preact_bn"))
    shortcut = x
    if convolve_shortcut:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(ready)
    elif stride > 1:
        shortcut = MaxPooling2D(1, strides=stride)(x)
    x = normalized(Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(ready), f"{name}_1_bn")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(Activation("relu", name=f"{name}_1_relu")(x))
    x = normalized(Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x), f"{name}_2_bn")
    x = Activation("relu", name=f"{name}_2_relu")(x)
    return Add(name=f"{name}_out")([shortcut, Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)])


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


ResNet50V2, ResNet101V2, ResNet152V2 = (
    _network(kind, title) for kind, title in zip(_NETWORKS, ("ResNet50V2", "ResNet101V2", "ResNet152V2"), strict=True)
)

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

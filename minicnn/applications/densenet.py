"""DenseNet121, 169 and 201: each block reads the outputs of all before it (Huang et al. 2016, arXiv 1608.06993)."""

from __future__ import annotations

from ..layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions
from .resnet import POOL_NAMES, files_of, normalized

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/densenet/"
_GROWTH = 32  # channels that each block adds
_NETWORKS = {  # blocks in each stack, MD5 of the weights with top and without
    "densenet121": ((6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    "densenet169": ((6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    "densenet201": ((6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}


def _network(kind, title):
    blocks, *sums = _NETWORKS[kind]

    def features(x, weights):
        x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(ZeroPadding2D(3)(x))
        x = Activation("relu", name="conv1_relu")(normalized(x, "conv1_bn"))
        x = MaxPooling2D(3, strides=2, name="pool1")(ZeroPadding2D(1)(x))
        for stack, count in enumerate(blocks, 2):
            for block in range(1, count + 1):
                x = _block(x, f"conv{stack}_block{block}")
            if stack < 5:
                x = _halved(x, f"pool{stack}")
        return Activation("relu", name="relu")(normalized(x, "bn"))

    return network.known(title, kind, features, files_of(kind, sums, _HOST), "F", pool_names=POOL_NAMES)


def _block(x, name):
    """x, and beside it the channels that two convolutions make of it."""
    y = Activation("relu", name=f"{name}_0_relu")(normalized(x, f"{name}_0_bn"))
    y = normalized(Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y), f"{name}_1_bn")
    y = Activation("relu", name=f"{name}_1_relu")(y)
    y = Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return Concatenate(name=f"{name}_concat")([x, y])


def _halved(x, name):
    """Half the channels, and half the size."""
    y = Activation("relu", name=f"{name}_relu")(normalized(x, f"{name}_bn"))
    y = Conv2D(x.shape[-1] // 2, 1, use_bias=False, name=f"{name}_conv")(y)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(y)


def preprocess_input(x, data_format=None):
    """RGB pixels from 0 to 255, with ImageNet's mean and deviation: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "torch")


DenseNet121, DenseNet169, DenseNet201 = (
    _network(kind, title) for kind, title in zip(_NETWORKS, ("DenseNet121", "DenseNet169", "DenseNet201"), strict=True)
)

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

"""ResNet50, 101 and 152: blocks of three convolutions, each added to its input (He et al. 2015, arXiv 1512.03385)."""

from __future__ import annotations

from ..layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

HOST = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
POOL_NAMES = ("avg_pool", "max_pool")
_FILTERS = (64, 128, 256, 512)
_NETWORKS = {  # blocks in each stack, MD5 of the weights with top and without
    "resnet50": ((3, 4, 6, 3), "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ((3, 4, 23, 3), "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ((3, 8, 36, 3), "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}


def _network(kind, title):
    blocks, *sums = _NETWORKS[kind]

    def features(x, weights):
        x = Activation("relu", name="conv1_relu")(normalized(begun(x), "conv1_bn"))
        x = pooled_once(x)
        for stack, (filters, count) in enumerate(zip(_FILTERS, blocks, strict=True), 2):
            for block in range(1, count + 1):
                stride = 2 if block == 1 and stack > 2 else 1
                x = _block(x, filters, stride, block == 1, f"conv{stack}_block{block}")
        return x

    return network.known(title, kind, features, files_of(kind, sums), 2048, pool_names=POOL_NAMES)


def begun(x, use_bias=True):
    """The first convolution of all ResNets."""
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    return Conv2D(64, 7, strides=2, use_bias=use_bias, name="conv1_conv")(x)


def pooled_once(x):
    """The first pooling of all ResNets."""
    return MaxPooling2D(3, strides=2, name="pool1_pool")(ZeroPadding2D(1, name="pool1_pad")(x))


def files_of(kind, sums, host=HOST):
    """A function of include_top: (file, host, MD5) of ImageNet's weights."""

    def file_of(include_top):
        end = "" if include_top else "_notop"
        return f"{kind}_weights_tf_dim_ordering_tf_kernels{end}.h5", host, sums[not include_top]

    return file_of


def _block(x, filters, stride, convolve_shortcut, name):
    """1x1, 3x3 and 1x1 convolutions, added to x, or to a 1x1 convolution of x if convolve_shortcut."""
    shortcut = x
    if convolve_shortcut:
        shortcut = normalized(Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    x = normalized(Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1_bn")
    x = Activation("relu", name=f"{name}_1_relu")(x)
    x = normalized(Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2_bn")
    x = Activation("relu", name=f"{name}_2_relu")(x)
    x = normalized(Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def normalized(x, name):
    return BatchNormalization(epsilon=1.001e-5, name=name)(x)


def preprocess_input(x, data_format=None):
    """RGB pixels from 0 to 255 as BGR minus ImageNet's mean: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "caffe")


ResNet50, ResNet101, ResNet152 = (
    _network(kind, name) for kind, name in zip(_NETWORKS, ("ResNet50", "ResNet101", "ResNet152"), strict=True)
)

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

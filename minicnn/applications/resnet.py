"""ResNet50, 101 and 152: blocks of three convolutions, each added to its input (He et al. 2015, arXiv 1512.03385)."""

from __future__ import annotations

from ..layers import Activation, Add, BatchNormalization, Conv2D, GlobalAveragePooling2D, MaxPooling2D, ZeroPadding2D
from ..models import Model
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

HOST = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_FILTERS = (64, 128, 256, 512)
_NETWORKS = {  # blocks in each stack, MD5 of the weights with top and without
    "resnet50": ((3, 4, 6, 3), "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ((3, 4, 23, 3), "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ((3, 8, 36, 3), "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}


def _network(kind, docstring_of):
    def make(
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        name=kind,
    ) -> Model:
        blocks, *sums = _NETWORKS[kind]
        x = start = network.image_input(input_shape, input_tensor, include_top, weights, classes)
        x = begun(x)
        x = Activation("relu", name="conv1_relu")(normalized(x, "conv1_bn"))
        x = pooled_once(x)
        for stack, (filters, count) in enumerate(zip(_FILTERS, blocks, strict=True), 2):
            for block in range(1, count + 1):
                stride = 2 if block == 1 and stack > 2 else 1
                x = _block(x, filters, stride, block == 1, f"conv{stack}_block{block}")
        x = ended(x, include_top, pooling, classes, classifier_activation, weights)
        return network.finished(start, x, name, weights, *weights_of(kind, include_top, sums))

    make.__name__ = make.__qualname__ = docstring_of
    make.__doc__ = f"""{docstring_of} for images (H, W, 3), prepared by `preprocess_input`; (224, 224, 3) with its top.

    weights: "imagenet", None for random ones, or a file. Without the top the outputs are (N, H/32, W/32, 2048), or
    with pooling "avg" or "max" (N, 2048).
    """
    return make


def begun(x, use_bias=True):
    """The first convolution of all ResNets."""
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    return Conv2D(64, 7, strides=2, use_bias=use_bias, name="conv1_conv")(x)


def pooled_once(x):
    """The first pooling of all ResNets."""
    return MaxPooling2D(3, strides=2, name="pool1_pool")(ZeroPadding2D(1, name="pool1_pad")(x))


def ended(x, include_top, pooling, classes, classifier_activation, weights):
    """The end of all ResNets and DenseNets."""
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        return network.classified(x, classes, classifier_activation, weights)
    return network.pooled(x, pooling, ("avg_pool", "max_pool"))


def weights_of(kind, include_top, sums, host=HOST):
    """(file, host, MD5) of ImageNet's weights."""
    end = "" if include_top else "_notop"
    return f"{kind}_weights_tf_dim_ordering_tf_kernels{end}.h5", host, sums[not include_top]


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

"""ResNet50: sixteen blocks of three convolutions, each added to its input (He et al. 2015, arXiv 1512.03385)."""

from __future__ import annotations

from ..layers import Activation, Add, BatchNormalization, Conv2D, GlobalAveragePooling2D, MaxPooling2D, ZeroPadding2D
from ..models import Model
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_WITH_TOP = ("resnet50_weights_tf_dim_ordering_tf_kernels.h5", _HOST, "2cb95161c43110f7111970584f804107")
_WITHOUT_TOP = ("resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", _HOST, "4d473c1dd8becc155b73f8504c6f6626")
_STACKS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # filters, blocks, stride of the first block


def ResNet50(
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet50",
) -> Model:
    """The network for images (H, W, 3), prepared by `preprocess_input`; (224, 224, 3) with its top.

    weights: "imagenet", None for random ones, or a file. Without the top the outputs are (N, H/32, W/32, 2048), or
    with pooling "avg" or "max" (N, 2048).
    """
    start = network.image_input(input_shape, input_tensor, include_top, weights, classes)
    x = ZeroPadding2D(3, name="conv1_pad")(start)
    x = _normalized(Conv2D(64, 7, strides=2, name="conv1_conv")(x), "conv1_bn")
    x = Activation("relu", name="conv1_relu")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stack, (filters, blocks, stride) in enumerate(_STACKS, 2):
        for block in range(1, blocks + 1):
            first = block == 1
            x = _block(x, filters, stride if first else 1, first, f"conv{stack}_block{block}")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = network.classified(x, classes, classifier_activation, weights)
    else:
        x = network.pooled(x, pooling, ("avg_pool", "max_pool"))
    return network.finished(start, x, name, weights, *(_WITH_TOP if include_top else _WITHOUT_TOP))


def _block(x, filters, stride, convolve_shortcut, name):
    """1x1, 3x3 and 1x1 convolutions, added to x, or to a 1x1 convolution of x if convolve_shortcut."""
    shortcut = x
    if convolve_shortcut:
        shortcut = _normalized(Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    x = _normalized(Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1_bn")
    x = Activation("relu", name=f"{name}_1_relu")(x)
    x = _normalized(Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2_bn")
    x = Activation("relu", name=f"{name}_2_relu")(x)
    x = _normalized(Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def _normalized(x, name):
    return BatchNormalization(epsilon=1.001e-5, name=name)(x)


def preprocess_input(x, data_format=None):
    """RGB pixels from 0 to 255 as BGR minus ImageNet's mean: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "caffe")


__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

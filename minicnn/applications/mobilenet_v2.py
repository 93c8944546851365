"""MobileNetV2: a small network of depthwise convolutions (Sandler et al. 2018, arXiv 1801.04381)."""

from __future__ import annotations

from ..layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, GlobalAveragePooling2D, ReLU, ZeroPadding2D
from ..models import Model
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
_SIZES = (96, 128, 160, 192, 224)  # of the images that ImageNet's weights were trained on
_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # values of alpha for which there are weights
_BLOCKS = (  # filters, stride, factor by which the block widens its input's channels
    (16, 1, 1), (24, 2, 6), (24, 1, 6), (32, 2, 6), (32, 1, 6), (32, 1, 6), (64, 2, 6), (64, 1, 6), (64, 1, 6),
    (64, 1, 6), (96, 1, 6), (96, 1, 6), (96, 1, 6), (160, 2, 6), (160, 1, 6), (160, 1, 6), (320, 1, 6),
)  # fmt: skip


def MobileNetV2(
    input_shape=None,
    alpha=1.0,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name=None,
) -> Model:
    """The network for images (H, W, 3), prepared by `preprocess_input`; with the top (224, 224, 3) unless given.

    alpha multiplies the channels of all layers, but the last convolution keeps at least 1280. weights: "imagenet", None
    for random ones, or a file. Without the top the outputs are (N, H/32, W/32, F), or with pooling "avg" or "max"
    (N, F), where F is 1280, and more for alpha above 1.
    """
    rows = _rows(input_shape, input_tensor)
    if weights == "imagenet" and alpha not in _WIDTHS:
        raise ValueError(f"There are ImageNet weights only for alpha in {_WIDTHS}; received alpha={alpha!r}.")
    start = network.image_input(input_shape, input_tensor, include_top, weights, classes, rows or 224)
    x = Conv2D(network.eights(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(start)
    x = ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    for i, (filters, stride, expansion) in enumerate(_BLOCKS):
        x = _block(x, network.eights(int(filters * alpha)), stride, expansion, f"block_{i}" if i else "expanded_conv")
    x = Conv2D(network.eights(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    x = ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))
    if include_top:
        x = network.classified(GlobalAveragePooling2D()(x), classes, classifier_activation, weights)
    else:
        x = network.pooled(x, pooling)
    end = "" if include_top else "_no_top"
    file = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows or 224}{end}.h5"
    named = 224 if weights == "imagenet" and rows is None else start.shape[1]
    name = name or f"mobilenetv2_{alpha:0.2f}_{named}"
    return network.finished(start, x, name, weights, file, _HOST, None)


def _rows(input_shape, input_tensor):
    """The images' size, if ImageNet's weights were trained on that size; or None."""
    shape = input_shape if input_tensor is None else tuple(input_tensor.shape)[1:]
    return shape[0] if shape is not None and shape[0] == shape[1] and shape[0] in _SIZES else None


def _block(inputs, filters, stride, expansion, name):
    """Widen the channels, convolve each alone, and narrow them again. Add the input if it has the output's shape."""
    channels, x = inputs.shape[-1], inputs
    if expansion > 1:
        x = Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = ReLU(6.0, name=f"{name}_expand_relu")(_normalized(x, f"{name}_expand_BN"))
    if stride == 2:
        x = ZeroPadding2D(network.before_stride_2(x.shape[1:3]), name=f"{name}_pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(3, strides=stride, use_bias=False, padding=padding, name=f"{name}_depthwise")(x)
    x = ReLU(6.0, name=f"{name}_depthwise_relu")(_normalized(x, f"{name}_depthwise_BN"))
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _normalized(x, f"{name}_project_BN")
    return Add(name=f"{name}_add")([inputs, x]) if channels == filters and stride == 1 else x


def _normalized(x, name):
    return BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

"""MobileNet: depthwise and 1x1 convolutions in turn (Howard et al. 2017, arXiv 1704.04861)."""

from __future__ import annotations

from ..layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from ..models import Model
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
_SIZES = (128, 160, 192, 224)  # of the images that ImageNet's weights were trained on
_WIDTHS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}  # alpha, as the names of the files have it
_BLOCKS = (  # filters, stride
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1),
)  # fmt: skip


def MobileNet(
    input_shape=None,
    alpha=1.0,
    depth_multiplier=1,
    dropout=1e-3,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name=None,
) -> Model:
    """The network for images (H, W, 3), prepared by `preprocess_input`; with the top (224, 224, 3) unless given.

    alpha multiplies the filters of all layers. weights: "imagenet", None for random ones, or a file. Without the top
    the outputs are (N, H/32, W/32, 1024 * alpha), or with pooling "avg" or "max" (N, 1024 * alpha).
    """
    if weights == "imagenet" and (alpha not in _WIDTHS or depth_multiplier != 1):
        raise ValueError(
            f"There are ImageNet weights only for alpha in {tuple(_WIDTHS)} and depth_multiplier=1; received "
            f"alpha={alpha!r}, depth_multiplier={depth_multiplier!r}."
        )
    square = input_shape is not None and input_shape[0] == input_shape[1] and input_shape[0] in _SIZES
    rows = input_shape[0] if square else 224
    start = network.image_input(input_shape, input_tensor, include_top, weights, classes, rows)
    x = Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(start)
    x = _normalized(x, "conv1")
    for i, (filters, stride) in enumerate(_BLOCKS, 1):
        if stride == 2:
            x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
        x = DepthwiseConv2D(
            3, stride, "same" if stride == 1 else "valid", depth_multiplier, use_bias=False, name=f"conv_dw_{i}"
        )(x)
        x = _normalized(x, f"conv_dw_{i}")
        x = Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{i}")(x)
        x = _normalized(x, f"conv_pw_{i}")
    if include_top:
        x = Dropout(dropout, name="dropout")(GlobalAveragePooling2D(keepdims=True)(x))
        x = Reshape((classes,), name="reshape_2")(Conv2D(classes, 1, padding="same", name="conv_preds")(x))
        network.check_top(classifier_activation, weights)
        x = Activation(classifier_activation, name="predictions")(x)
    else:
        x = network.pooled(x, pooling)
    end = "" if include_top else "_no_top"
    file = f"mobilenet_{_WIDTHS.get(alpha)}_{rows}_tf{end}.h5"
    named = 224 if weights == "imagenet" and input_shape is None else start.shape[1]
    return network.finished(start, x, name or f"mobilenet_{alpha:0.2f}_{named}", weights, file, _HOST, None)


def _normalized(x, name):
    return ReLU(6.0, name=f"{name}_relu")(BatchNormalization(name=f"{name}_bn")(x))


def preprocess_input(x, data_format=None):
    """Pixels from 0 to 255, scaled to between -1 and 1: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "tf")


__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

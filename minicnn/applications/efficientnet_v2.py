"""EfficientNetV2: whole convolutions in the first blocks, depthwise ones in the others (Tan and Le 2021, 2104.00298).

The networks take pixels from 0 to 255; their first layers scale them.
"""

from __future__ import annotations

import math

from ..layers import Activation, DepthwiseConv2D, Normalization, Rescaling
from ..models import Model
from . import network
from .efficientnet import DENSE_DRAWN, DRAWN, added, convolved, normalized, projected, top_with, weighed
from .imagenet_utils import DEVIATION, MEAN, decode_predictions
from .imagenet_utils import as_it_is as preprocess_input
from .resnet import POOL_NAMES

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/"
_NETWORKS = {  # width, depth, size of the images, MD5 of the weights with top and without
    "b0": (1.0, 1.0, 224, "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "b1": (1.0, 1.1, 240, "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "b2": (1.1, 1.2, 260, "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "b3": (1.2, 1.4, 300, "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "s": (1.0, 1.0, 384, "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "m": (1.0, 1.0, 480, "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "l": (1.0, 1.0, 480, "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
_BLOCKS = {  # repetitions, filters, factor by which a block widens its input's channels, stride, whole convolutions?
    "b": (
        (1, 16, 1, 1, True), (2, 32, 4, 2, True), (2, 48, 4, 2, True), (3, 96, 4, 2, False), (5, 112, 6, 1, False),
        (8, 192, 6, 2, False),
    ),
    "s": (
        (2, 24, 1, 1, True), (4, 48, 4, 2, True), (4, 64, 4, 2, True), (6, 128, 4, 2, False), (9, 160, 6, 1, False),
        (15, 256, 6, 2, False),
    ),
    "m": (
        (3, 24, 1, 1, True), (5, 48, 4, 2, True), (5, 80, 4, 2, True), (7, 160, 4, 2, False), (14, 176, 6, 1, False),
        (18, 304, 6, 2, False), (5, 512, 6, 1, False),
    ),
    "l": (
        (4, 32, 1, 1, True), (7, 64, 4, 2, True), (7, 96, 4, 2, True), (10, 192, 4, 2, False), (19, 224, 6, 1, False),
        (25, 384, 6, 2, False), (7, 640, 6, 1, False),
    ),
}  # fmt: skip
_FIRST = {"b": 32, "s": 24, "m": 24, "l": 32}  # filters of the first convolution
_DROPPED = 0.2  # the share of images for which the last block is left out in training; the first blocks lose fewer
_MOMENTUM = 0.9  # of the normalizations


def _network(kind):
    width, depth, size, *sums = _NETWORKS[kind]
    named = f"efficientnetv2-{kind}"

    def make(
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        include_preprocessing=True,
        name=named,
    ) -> Model:
        x = start = network.image_input(input_shape, input_tensor, include_top, weights, classes, size)
        if include_preprocessing:
            x = _scaled(x, kind[0])
        x = _features(x, kind[0], width, depth)
        if include_top:
            x = top_with(0.2)(x)
            x = network.classified(x, classes, classifier_activation, weights, kernel_initializer=DENSE_DRAWN)
        else:
            x = network.pooled(x, pooling, POOL_NAMES)
        file = f"{named}{'' if include_top else '_notop'}.h5"
        return network.finished(start, x, name, weights, file, _HOST, sums[not include_top])

    make.__name__ = make.__qualname__ = title = f"EfficientNetV2{kind.upper()}"
    make.__doc__ = f"""{title} for images (H, W, 3) with pixels from 0 to 255; ({size}, {size}, 3) with its top.

    weights: "imagenet", None for random ones, or a file. include_preprocessing=False leaves out the layers that scale
    the pixels. Without the top the outputs are (N, H/32, W/32, F), or with pooling "avg" or "max" (N, F).
    """
    return make


def _scaled(x, kind):
    """Pixels with ImageNet's mean and deviation (B0 to B3), or between -1 and 1."""
    if kind == "b" and x.shape[-1] == 3:
        return Normalization(mean=list(MEAN), variance=[d * d for d in DEVIATION])(Rescaling(1 / 255)(x))
    return Rescaling(1 / 128, offset=-1)(x)


def _features(x, kind, width, depth):
    x = convolved(x, _channels(_FIRST[kind] * width), 3, 2, name="stem", momentum=_MOMENTUM)
    done, blocks = 0, _BLOCKS[kind]
    total = sum(block[0] for block in blocks)  # as in Keras, before the depth multiplies it
    for i, (count, filters, expansion, stride, whole) in enumerate(blocks, 1):
        for j in range(math.ceil(depth * count)):
            block, name = _whole_block if whole else _depthwise_block, f"block{i}{chr(ord('a') + j)}_"
            dropped = _DROPPED * done / total
            x = block(x, _channels(filters * width), expansion, 1 if j else stride, dropped, name)
            done += 1
    return convolved(x, _channels(1280 * width), 1, name="top", momentum=_MOMENTUM)


def _channels(filters):
    """The multiple of 8 nearest to `filters`, at least 8."""
    return max(8, int(filters + 4) // 8 * 8)


def _whole_block(inputs, filters, expansion, stride, dropped, name):
    """A 3x3 convolution that widens the channels, and a 1x1 one that narrows them; or one that does not widen."""
    if expansion > 1:
        x = convolved(inputs, expansion * inputs.shape[-1], 3, stride, name=f"{name}expand", momentum=_MOMENTUM)
        return projected(x, inputs, filters, stride, dropped, name, _MOMENTUM)
    x = convolved(inputs, filters, 3, stride, name=f"{name}project", momentum=_MOMENTUM)
    return added(x, inputs, stride, dropped, name)


def _depthwise_block(inputs, filters, expansion, stride, dropped, name):
    """Widen the channels, convolve each alone, weigh them, and narrow them again."""
    channels = inputs.shape[-1]
    x = convolved(inputs, expansion * channels, 1, name=f"{name}expand", momentum=_MOMENTUM)
    x = DepthwiseConv2D(
        3, stride, "same", use_bias=False, depthwise_initializer=DRAWN, name=f"{name}dwconv2"
    )(x)  # fmt: skip
    x = Activation("swish", name=f"{name}activation")(normalized(x, f"{name}bn", _MOMENTUM))
    x = weighed(x, max(1, channels // 4), name)
    return projected(x, inputs, filters, stride, dropped, name, _MOMENTUM)


EfficientNetV2B0, EfficientNetV2B1, EfficientNetV2B2 = (_network(kind) for kind in ("b0", "b1", "b2"))
EfficientNetV2B3, EfficientNetV2S, EfficientNetV2M, EfficientNetV2L = (_network(kind) for kind in ("b3", "s", "m", "l"))

__all__ = [
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
    "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input",
]  # fmt: skip

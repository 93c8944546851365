"""EfficientNetB0 to B7: one network, grown in width and depth together (Tan and Le 2019, arXiv 1905.11946).

The networks take pixels from 0 to 255; their first layers scale them.
"""

from __future__ import annotations

import math

from ..initializers import VarianceScaling
from ..layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
    add,
    multiply,
)
from . import network
from .imagenet_utils import DEVIATION, decode_predictions
from .imagenet_utils import as_it_is as preprocess_input
from .resnet import POOL_NAMES

_HOST = "https://storage.googleapis.com/keras-applications/"
_NETWORKS = {  # width, depth, size of the images, dropout, MD5 of the weights with top and without
    "b0": (1.0, 1.0, 224, 0.2, "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": (1.0, 1.1, 240, 0.2, "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": (1.1, 1.2, 260, 0.3, "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": (1.2, 1.4, 300, 0.3, "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "b4": (1.4, 1.8, 380, 0.4, "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": (1.6, 2.2, 456, 0.4, "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": (1.8, 2.6, 528, 0.5, "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": (2.0, 3.1, 600, 0.5, "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
_BLOCKS = (  # kernel, repetitions, filters, factor by which a block widens its input's channels, stride
    (3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)  # fmt: skip
_DROPPED = 0.2  # the share of images for which the last block is left out in training; the first blocks lose fewer
DRAWN = VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")
DENSE_DRAWN = VarianceScaling(1 / 3, mode="fan_out", distribution="uniform")


def _network(kind):
    width, depth, size, dropout, *sums = _NETWORKS[kind]
    name = f"efficientnet{kind}"

    def features(x, weights):
        x = Normalization()(Rescaling(1 / 255)(x))
        if weights == "imagenet":  # the networks were trained on pixels divided by the variance
            x = Rescaling([1 / math.sqrt(deviation) for deviation in DEVIATION])(x)
        x = ZeroPadding2D(network.before_stride_2(x.shape[1:3]), name="stem_conv_pad")(x)
        x = convolved(x, network.eights(32 * width), 3, 2, "valid", name="stem")
        counts = [math.ceil(depth * block[1]) for block in _BLOCKS]
        done = 0
        for i, ((kernel_size, _, filters, expansion, stride), count) in enumerate(zip(_BLOCKS, counts, strict=True), 1):
            for j in range(count):
                kept = (network.eights(filters * width), expansion, kernel_size, 1 if j else stride)
                x = _block(x, *kept, _DROPPED * done / sum(counts), f"block{i}{chr(ord('a') + j)}_")
                done += 1
        return convolved(x, network.eights(1280 * width), 1, name="top")

    def file_of(include_top):
        return f"{name}{'' if include_top else '_notop'}.h5", _HOST, sums[not include_top]

    return network.known(
        name.replace("efficientnetb", "EfficientNetB"), name, features, file_of, "F", top_with(dropout), POOL_NAMES,
        size, input_is="with pixels from 0 to 255", dense={"kernel_initializer": DENSE_DRAWN},
    )  # fmt: skip


def top_with(dropout):
    """The mean of each feature map, and dropout."""
    return lambda x: Dropout(dropout, name="top_dropout")(network.mean_top(x))


def convolved(x, filters, kernel_size, strides=1, padding="same", name=None, momentum=0.99):
    """A convolution without bias, normalized, with silu behind it."""
    x = Conv2D(filters, kernel_size, strides, padding, use_bias=False, kernel_initializer=DRAWN, name=f"{name}_conv")(x)
    return Activation("swish", name=f"{name}_activation")(normalized(x, f"{name}_bn", momentum))


def normalized(x, name, momentum=0.99):
    return BatchNormalization(momentum=momentum, name=name)(x)


def _block(inputs, filters, expansion, kernel_size, stride, dropped, name):
    """Widen the channels, convolve each alone, weigh them, and narrow them again. Add the input if it fits."""
    x, channels = inputs, inputs.shape[-1]
    if expansion > 1:
        x = convolved(x, expansion * channels, 1, name=f"{name}expand")
    if stride == 2:
        x = ZeroPadding2D(network.before_stride_2(x.shape[1:3], kernel_size), name=f"{name}dwconv_pad")(x)
    x = DepthwiseConv2D(
        kernel_size, stride, "valid" if stride == 2 else "same", use_bias=False, depthwise_initializer=DRAWN,
        name=f"{name}dwconv",
    )(x)  # fmt: skip
    x = Activation("swish", name=f"{name}activation")(normalized(x, f"{name}bn"))
    x = weighed(x, max(1, channels // 4), name)
    return projected(x, inputs, filters, stride, dropped, name)


def weighed(x, narrow, name):
    """Squeeze and excitation: two dense layers read the mean of each channel, and decide how much of it is kept."""
    weight = Reshape((1, 1, x.shape[-1]), name=f"{name}se_reshape")(GlobalAveragePooling2D(name=f"{name}se_squeeze")(x))
    for filters, activation, part in ((narrow, "swish", "reduce"), (x.shape[-1], "sigmoid", "expand")):
        weight = Conv2D(
            filters, 1, padding="same", activation=activation, kernel_initializer=DRAWN, name=f"{name}se_{part}"
        )(weight)
    return multiply([x, weight], name=f"{name}se_excite")


def projected(x, inputs, filters, stride, dropped, name, momentum=0.99):
    """A 1x1 convolution to the block's channels, added to the inputs if these have as many and the same size."""
    x = Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer=DRAWN, name=f"{name}project_conv")(x)
    return added(normalized(x, f"{name}project_bn", momentum), inputs, stride, dropped, name)


def added(x, inputs, stride, dropped, name):
    """x plus the inputs, if they fit. In training, whole images of x are left out with probability `dropped`."""
    if stride > 1 or x.shape[-1] != inputs.shape[-1]:
        return x
    if dropped:
        x = Dropout(dropped, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return add([x, inputs], name=f"{name}add")


EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3 = (_network(kind) for kind in ("b0", "b1", "b2", "b3"))
EfficientNetB4, EfficientNetB5, EfficientNetB6, EfficientNetB7 = (_network(kind) for kind in ("b4", "b5", "b6", "b7"))

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
    "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

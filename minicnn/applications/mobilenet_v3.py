"""MobileNetV3: MobileNetV2's blocks, some of which weigh their channels (Howard et al. 2019, arXiv 1905.02244).

The networks take pixels from 0 to 255; their first layer scales them.
"""

from __future__ import annotations

from ..layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from ..models import Model
from . import network
from .imagenet_utils import as_it_is as preprocess_input
from .imagenet_utils import decode_predictions
from .resnet import POOL_NAMES

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"
_SUMS = {  # kind and alpha: MD5 of the weights with top and without
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}
_BLOCKS = {  # filters, factor by which it widens its input's channels, kernel, stride, weighs channels?, hard swish?
    "large": (
        (16, 1, 3, 1, False, False), (24, 4, 3, 2, False, False), (24, 3, 3, 1, False, False),
        (40, 3, 5, 2, True, False), (40, 3, 5, 1, True, False), (40, 3, 5, 1, True, False),
        (80, 6, 3, 2, False, True), (80, 2.5, 3, 1, False, True), (80, 2.3, 3, 1, False, True),
        (80, 2.3, 3, 1, False, True), (112, 6, 3, 1, True, True), (112, 6, 3, 1, True, True),
        (160, 6, 5, 2, True, True), (160, 6, 5, 1, True, True), (160, 6, 5, 1, True, True),
    ),
    "small": (
        (16, 1, 3, 2, True, False), (24, 72 / 16, 3, 2, False, False), (24, 88 / 24, 3, 1, False, False),
        (40, 4, 5, 2, True, True), (40, 6, 5, 1, True, True), (40, 6, 5, 1, True, True), (48, 3, 5, 1, True, True),
        (48, 3, 5, 1, True, True), (96, 6, 5, 2, True, True), (96, 6, 5, 1, True, True), (96, 6, 5, 1, True, True),
    ),
}  # fmt: skip
_LAST = {"large": 1280, "small": 1024}  # filters before the last layer


def _network(kind, title):
    def make(
        input_shape=None,
        alpha=1.0,
        minimalistic=False,
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        classes=1000,
        pooling=None,
        dropout_rate=0.2,
        classifier_activation="softmax",
        include_preprocessing=True,
        name=title,
    ) -> Model:
        weights_for = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}"
        if weights == "imagenet" and weights_for not in _SUMS:
            raise ValueError(
                "There are ImageNet weights only for alpha=1.0, and without minimalistic for alpha=0.75; received "
                f"alpha={alpha!r}, minimalistic={minimalistic!r}."
            )
        if input_shape is None and input_tensor is None:
            input_shape = (None, None, 3)  # the mean before the last convolutions takes any size
        x = start = network.image_input(input_shape, input_tensor, False, weights, classes)
        if weights == "imagenet" and include_top and classes != 1000:
            raise ValueError(f'weights="imagenet" with its top needs classes=1000; received classes={classes}.')
        active = _relu if minimalistic else _hard_swish
        if include_preprocessing:
            x = Rescaling(1 / 127.5, offset=-1.0)(x)
        x = active(_normalized(Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x), "conv_bn"))
        for i, (filters, expansion, kernel_size, stride, weighs, swish) in enumerate(_BLOCKS[kind]):
            x = _block(
                x, network.eights(filters * alpha), expansion, 3 if minimalistic else kernel_size, stride,
                weighs and not minimalistic, active if swish else _relu, f"expanded_conv_{f'{i}_' if i else ''}",
            )  # fmt: skip
        channels = network.eights(6 * x.shape[-1])
        x = active(_normalized(Conv2D(channels, 1, padding="same", use_bias=False, name="conv_1")(x), "conv_1_bn"))
        if include_top:
            last = _LAST[kind] if alpha <= 1 else network.eights(_LAST[kind] * alpha)
            x = GlobalAveragePooling2D(keepdims=True)(x)
            x = active(Conv2D(last, 1, padding="same", name="conv_2")(x))
            if dropout_rate > 0:
                x = Dropout(dropout_rate)(x)
            x = Flatten()(Conv2D(classes, 1, padding="same", name="logits")(x))
            network.check_top(classifier_activation, weights)
            x = Activation(classifier_activation, name="predictions")(x)
        else:
            x = network.pooled(x, pooling, POOL_NAMES)
        file = f"weights_mobilenet_v3_{weights_for}_float{'' if include_top else '_no_top_v2'}.h5"
        return network.finished(
            start, x, name, weights, file, _HOST, _SUMS.get(weights_for, (None, None))[not include_top]
        )

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} for images (H, W, 3) with pixels from 0 to 255, of any size.

    alpha multiplies the channels of all blocks. minimalistic uses 3x3 kernels and ReLU only, and weighs no channels.
    include_preprocessing=False leaves out the layer that scales the pixels. weights: "imagenet", None for random ones,
    or a file. Without the top the outputs are (N, H/32, W/32, F), or with pooling "avg" or "max" (N, F).
    """
    return make


def _block(inputs, filters, expansion, kernel_size, stride, weighs, active, name):
    """Widen the channels, convolve each alone, and narrow them again. Add the input if it has the output's shape."""
    x, channels = inputs, network.eights(inputs.shape[-1] * expansion)
    if name != "expanded_conv_":  # not the first block
        x = Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = active(_normalized(x, f"{name}expand_bn"))
    if stride == 2:
        x = ZeroPadding2D(network.before_stride_2(x.shape[1:3], kernel_size), name=f"{name}depthwise_pad")(x)
    x = DepthwiseConv2D(
        kernel_size, stride, "same" if stride == 1 else "valid", use_bias=False, name=f"{name}depthwise"
    )(x)
    x = active(_normalized(x, f"{name}depthwise_bn"))
    if weighs:
        x = _weighed(x, f"{name}squeeze_excite")
    x = _normalized(Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x), f"{name}project_bn")
    return Add(name=f"{name}add")([inputs, x]) if stride == 1 and inputs.shape[-1] == filters else x


def _weighed(x, name):
    """Squeeze and excitation: two 1x1 convolutions read the mean of each channel, and decide how much of it is kept."""
    weight = GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(x)
    weight = Conv2D(network.eights(x.shape[-1] / 4), 1, padding="same", name=f"{name}_conv")(weight)
    weight = ReLU(name=f"{name}_relu")(weight)
    weight = Conv2D(x.shape[-1], 1, padding="same", name=f"{name}_conv_1")(weight)
    return Multiply(name=f"{name}_mul")([x, ReLU(6.0)(weight + 3.0) * (1.0 / 6.0)])


def _relu(x):
    return ReLU()(x)


def _hard_swish(x):
    return Activation("hard_swish")(x)


def _normalized(x, name):
    return BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)


MobileNetV3Large, MobileNetV3Small = _network("large", "MobileNetV3Large"), _network("small", "MobileNetV3Small")

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

"""ConvNeXt: 7x7 depthwise convolutions, layer normalization and gelu (Liu et al. 2022, arXiv 2201.03545).

The networks take pixels from 0 to 255; their first layer scales them.
"""

from __future__ import annotations

from ..layers import Activation, Conv2D, Dense, LayerNormalization, Normalization
from ..layers import GlobalAveragePooling2D as Mean
from ..layers.scales import LayerScale
from ..models import Model, Sequential
from . import network
from .imagenet_utils import DEVIATION, MEAN, decode_predictions
from .imagenet_utils import as_it_is as preprocess_input

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/convnext/"
_NETWORKS = {  # blocks in each stage, their channels, SHA-256 of the weights with top and without
    "Tiny": (
        (3, 3, 9, 3), (96, 192, 384, 768),
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "Small": (
        (3, 3, 27, 3), (96, 192, 384, 768),
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "Base": (
        (3, 3, 27, 3), (128, 256, 512, 1024),
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "Large": (
        (3, 3, 27, 3), (192, 384, 768, 1536),
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "XLarge": (
        (3, 3, 27, 3), (256, 512, 1024, 2048),
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}  # fmt: skip
_FIRST_SCALE = 1e-6  # with which a block begins to add to its input


def _network(kind):
    depths, channels, *sums = _NETWORKS[kind]
    named = f"convnext_{kind.lower()}"

    def make(
        include_top=True,
        include_preprocessing=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        name=named,
    ) -> Model:
        x = start = network.image_input(input_shape, input_tensor, include_top, weights, classes)
        if include_preprocessing and x.shape[-1] == 3:
            mean, variance = [255 * m for m in MEAN], [(255 * d) ** 2 for d in DEVIATION]
            x = Normalization(mean=mean, variance=variance, name=f"{name}_prestem_normalization")(x)
        for stage, (depth, C) in enumerate(zip(depths, channels, strict=True)):
            x = _smaller(C, stage, name)(x)
            for block in range(depth):
                x = _block(x, C, f"{name}_stage_{stage}_block_{block}")
        if include_top:
            x = Mean(name=f"{name}_head_gap")(x)
            x = LayerNormalization(epsilon=1e-6, name=f"{name}_head_layernorm")(x)
            x = network.classified(x, classes, classifier_activation, weights, f"{name}_head_dense")
        else:
            x = LayerNormalization(epsilon=1e-6)(network.pooled(x, pooling))
        file = f"{named}{'' if include_top else '_notop'}.h5"
        return network.finished(start, x, name, weights, file, _HOST, sums[not include_top])

    make.__name__ = make.__qualname__ = title = f"ConvNeXt{kind}"
    make.__doc__ = f"""{title} for images (H, W, 3) with pixels from 0 to 255; (224, 224, 3) with its top.

    weights: "imagenet", None for random ones, or a file. include_preprocessing=False leaves out the layer that scales
    the pixels. Without the top the outputs are (N, H/32, W/32, {channels[-1]}), or with pooling "avg" or "max"
    (N, {channels[-1]}).
    """
    return make


def _smaller(C, stage, name):
    """A normalization and a convolution, whose strides equal its kernel: 4 at the start, then 2."""
    if stage == 0:
        convolution = Conv2D(C, 4, strides=4, name=f"{name}_stem_conv")
        return Sequential([convolution, _norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
    i = stage - 1
    convolution = Conv2D(C, 2, strides=2, name=f"{name}_downsampling_conv_{i}")
    norm = _norm(f"{name}_downsampling_layernorm_{i}")
    return Sequential([norm, convolution], name=f"{name}_downsampling_block_{i}")


def _block(inputs, C, name):
    """A 7x7 convolution of each channel alone, then two dense layers for each pixel; scaled, and added to the input."""
    x = Conv2D(C, 7, padding="same", groups=C, name=f"{name}_depthwise_conv")(inputs)
    x = _norm(f"{name}_layernorm")(x)
    x = Activation("gelu", name=f"{name}_gelu")(Dense(4 * C, name=f"{name}_pointwise_conv_1")(x))
    x = LayerScale(_FIRST_SCALE, C, name=f"{name}_layer_scale")(Dense(C, name=f"{name}_pointwise_conv_2")(x))
    return inputs + Activation("linear", name=f"{name}_identity")(x)


def _norm(name):
    return LayerNormalization(epsilon=1e-6, name=name)


ConvNeXtTiny, ConvNeXtSmall, ConvNeXtBase, ConvNeXtLarge, ConvNeXtXLarge = (_network(kind) for kind in _NETWORKS)

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions",
    "preprocess_input",
]  # fmt: skip

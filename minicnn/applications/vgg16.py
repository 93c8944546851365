"""VGG16 and VGG19: 3x3 convolutions and three dense layers (Simonyan and Zisserman 2014, arXiv 1409.1556)."""

from __future__ import annotations

from ..layers import Conv2D, Dense, Flatten, MaxPooling2D
from ..models import Model
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"
_FILTERS = (64, 128, 256, 512, 512)
_NETWORKS = {  # convolutions in each block, MD5 of the weights with top and without
    "vgg16": ((2, 2, 3, 3, 3), "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": ((2, 2, 4, 4, 4), "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
}


def _network(kind):
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
        for block, (filters, convolutions) in enumerate(zip(_FILTERS, blocks, strict=True), 1):
            for i in range(1, convolutions + 1):
                x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
            x = MaxPooling2D(2, name=f"block{block}_pool")(x)
        if include_top:
            x = Flatten(name="flatten")(x)
            x = Dense(4096, activation="relu", name="fc1")(x)
            x = Dense(4096, activation="relu", name="fc2")(x)
            x = network.classified(x, classes, classifier_activation, weights)
        else:
            x = network.pooled(x, pooling)
        end = "" if include_top else "_notop"
        file = f"{kind}_weights_tf_dim_ordering_tf_kernels{end}.h5"
        return network.finished(start, x, name, weights, file, f"{_HOST}{kind}/", sums[not include_top])

    make.__name__ = make.__qualname__ = kind.upper()
    make.__doc__ = f"""{kind.upper()} for images (H, W, 3), prepared by `preprocess_input`; (224, 224, 3) with its top.

    weights: "imagenet", None for random ones, or a file. Without the top the outputs are (N, H/32, W/32, 512), or with
    pooling "avg" or "max" (N, 512).
    """
    return make


VGG16, VGG19 = _network("vgg16"), _network("vgg19")


def preprocess_input(x, data_format=None):
    """RGB pixels from 0 to 255 as BGR minus ImageNet's mean: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "caffe")


__all__ = ["VGG16", "VGG19", "decode_predictions", "preprocess_input"]

"""VGG16 and VGG19: 3x3 convolutions and three dense layers (Simonyan and Zisserman 2014, arXiv 1409.1556)."""

from __future__ import annotations

from ..layers import Conv2D, Dense, Flatten, MaxPooling2D
from . import imagenet_utils, network
from .imagenet_utils import decode_predictions

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"
_FILTERS = (64, 128, 256, 512, 512)
_NETWORKS = {  # convolutions in each block, MD5 of the weights with top and without
    "vgg16": ((2, 2, 3, 3, 3), "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": ((2, 2, 4, 4, 4), "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
}


def _network(kind):
    blocks, *sums = _NETWORKS[kind]

    def features(x, weights):
        for block, (filters, convolutions) in enumerate(zip(_FILTERS, blocks, strict=True), 1):
            for i in range(1, convolutions + 1):
                x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
            x = MaxPooling2D(2, name=f"block{block}_pool")(x)
        return x

    def file_of(include_top):
        end = "" if include_top else "_notop"
        return f"{kind}_weights_tf_dim_ordering_tf_kernels{end}.h5", f"{_HOST}{kind}/", sums[not include_top]

    return network.known(kind.upper(), kind, features, file_of, 512, _top)


def _top(x):
    x = Flatten(name="flatten")(x)
    x = Dense(4096, activation="relu", name="fc1")(x)
    return Dense(4096, activation="relu", name="fc2")(x)


VGG16, VGG19 = _network("vgg16"), _network("vgg19")


def preprocess_input(x, data_format=None):
    """RGB pixels from 0 to 255 as BGR minus ImageNet's mean: a new array, or a symbol if x is a symbol."""
    return imagenet_utils.preprocess_input(x, data_format, "caffe")


__all__ = ["VGG16", "VGG19", "decode_predictions", "preprocess_input"]

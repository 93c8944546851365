"""The layers, under Keras's names."""

from ..registry import custom_object_scope
from ..registry import serialize as registry_serialize
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .base import Layer, registry
from .conv import Conv2D, DepthwiseConv2D
from .dense import Dense
from .dropout import Dropout, SpatialDropout2D
from .input import Input, InputLayer
from .merge import Add, Concatenate, Multiply, add, concatenate, multiply
from .norm import BatchNormalization
from .pool import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .reshape import Flatten, Rescaling, Reshape, ZeroPadding2D

MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
Convolution2D = Conv2D

for _name, _class in list(globals().items()):
    if isinstance(_class, type) and issubclass(_class, Layer) and _class is not Layer:
        registry.entries[_name] = _class


def serialize(layer) -> dict:
    """A layer as {"class_name", "config"}."""
    return registry_serialize(layer)


def deserialize(config, custom_objects=None) -> Layer:
    """A new layer, with weights not yet made, from what `serialize` returned."""
    with custom_object_scope(custom_objects or {}):
        return registry.get(config)


__all__ = [
    "ELU", "Activation", "Add", "AveragePooling2D", "AvgPool2D", "BatchNormalization", "Concatenate", "Conv2D",
    "Convolution2D", "Dense", "DepthwiseConv2D", "Dropout", "Flatten", "GlobalAveragePooling2D", "GlobalAvgPool2D",
    "GlobalMaxPool2D", "GlobalMaxPooling2D", "Input", "InputLayer", "Layer", "LeakyReLU", "MaxPool2D", "MaxPooling2D",
    "Multiply", "ReLU", "Rescaling", "Reshape", "Softmax", "SpatialDropout2D", "ZeroPadding2D", "add", "concatenate",
    "deserialize", "multiply", "serialize",
]  # fmt: skip

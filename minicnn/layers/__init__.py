"""The layers, under Keras's names."""

from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .base import Layer
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

__all__ = [
    "ELU", "Activation", "Add", "AveragePooling2D", "AvgPool2D", "BatchNormalization", "Concatenate", "Conv2D",
    "Convolution2D", "Dense", "DepthwiseConv2D", "Dropout", "Flatten", "GlobalAveragePooling2D", "GlobalAvgPool2D",
    "GlobalMaxPool2D", "GlobalMaxPooling2D", "Input", "InputLayer", "Layer", "LeakyReLU", "MaxPool2D", "MaxPooling2D",
    "Multiply", "ReLU", "Rescaling", "Reshape", "Softmax", "SpatialDropout2D", "ZeroPadding2D", "add", "concatenate",
    "multiply",
]  # fmt: skip

"""The layers, under Keras's names.

base            the contract of every layer: build, forward, backward      penalty      losses that layers add
input           where a graph begins              image         base of layers that take images
activated       base of conv and dense: their product, then an activation
conv            convolutions                      dense         Dense
conv_transpose  the transposed convolution
pool            pooling, also global              activation    activations as layers
batch_norm      batch normalization               dropout       dropout and noise
reshape         shapes, zero padding, Rescaling   resizing      other image sizes
merge           several inputs into one           identity      the input unchanged, or with a penalty
normalization   mean 0 and variance 1             augmentation  images changed at random
arithmetic      + - * / on symbols                operations    the functions of `ops` on symbols
operation       the base class of these           places        those that move numbers
moves           Permute, Dot, PReLU and others    adaptive_pool pooling to a given size
normalizations  of each sample by itself          parent        `call` in a subclass of Dense
called          layers that define `call`         drawing       what a `call` draws beside layers
loss_rows       losses of symbols                 lambda_layer  a function as a layer
holding         weights, and layers in layers     checks        arguments and shapes checked
input_spec      what a user's layer demands       sequence_pool  pooling of sequences
names           names of layers, paths of weights state         state that a trial run must not change
host_function   functions that NumPy computes     embedding     rows of a table
dtypes          the type of a layer's numbers
resampling      other image sizes by matrices     pipeline      layers one after the other
sequence_conv   convolution and pooling of sequences
scales          channels times a weight, inside known networks
random_source   random numbers in what a `call` draws
color_augmentation   colours changed at random   mixing_augmentation   images mixed with each other
augmentation_policies   several augmentation layers in one
"""

from ..registry import missing_name
from ..registry import serialize as registry_serialize
from . import drawing, loss_rows, operations, parent, places, scales  # noqa: F401 - what `call` draws; what files name
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .adaptive_pool import AdaptiveAveragePooling2D, AdaptiveMaxPooling2D
from .augmentation import (
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from .augmentation_policies import AugMix, RandAugment, RandomColorJitter
from .base import Layer, registry
from .batch_norm import BatchNormalization
from .color_augmentation import (
    AutoContrast,
    Equalization,
    RandomColorDegeneration,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
    Solarization,
)
from .conv import Conv2D, DepthwiseConv2D, SeparableConv2D
from .conv_transpose import Conv2DTranspose
from .dense import Dense
from .dropout import AlphaDropout, Dropout, GaussianDropout, GaussianNoise, SpatialDropout2D
from .embedding import Embedding
from .identity import ActivityRegularization, Identity
from .input import Input, InputLayer
from .input_spec import InputSpec
from .lambda_layer import Lambda
from .merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .mixing_augmentation import CutMix, MixUp, RandomErasing
from .moves import Dot, Permute, PReLU, RepeatVector, dot
from .normalization import Normalization
from .normalizations import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    SpectralNormalization,
    UnitNormalization,
)
from .pipeline import Pipeline
from .pool import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .reshape import Flatten, Rescaling, Reshape, ZeroPadding2D
from .resizing import CenterCrop, Cropping2D, RandomCrop, Resizing, UpSampling2D
from .sequence_conv import AveragePooling1D, Conv1D, Cropping1D, MaxPooling1D, UpSampling1D, ZeroPadding1D
from .sequence_pool import GlobalAveragePooling1D, GlobalMaxPooling1D

GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
AvgPool1D, MaxPool1D, Convolution1D = AveragePooling1D, MaxPooling1D, Conv1D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
SeparableConvolution2D = SeparableConv2D

for _name, _class in list(globals().items()):
    if isinstance(_class, type) and issubclass(_class, Layer) and _class is not Layer:
        registry.entries[_name] = _class


def serialize(layer) -> dict:
    """A layer as {"class_name", "config"}."""
    return registry_serialize(layer)


def deserialize(config, custom_objects=None) -> Layer:
    """A new layer, with weights not yet made, from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "ELU", "Activation", "ActivityRegularization", "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "Add",
    "AlphaDropout", "AugMix", "AutoContrast", "Average", "AveragePooling1D", "AveragePooling2D", "AvgPool1D",
    "AvgPool2D", "BatchNormalization", "CenterCrop", "Concatenate", "Conv1D", "Conv2D", "Conv2DTranspose",
    "Convolution1D", "Convolution2D", "Convolution2DTranspose", "Cropping1D", "Cropping2D", "CutMix", "Dense",
    "DepthwiseConv2D", "Dot", "Dropout", "Embedding", "Equalization", "Flatten", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalMaxPool1D",
    "GlobalMaxPool2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GroupNormalization", "Identity", "Input",
    "InputLayer", "InputSpec", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "MaxPool1D", "MaxPool2D",
    "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum", "MixUp", "Multiply", "Normalization", "PReLU", "Permute",
    "Pipeline", "RMSNormalization", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomCrop", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHue", "RandomInvert", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
    "RandomShear", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing",
    "SeparableConv2D", "SeparableConvolution2D", "Softmax", "Solarization", "SpatialDropout2D",
    "SpectralNormalization", "Subtract", "UnitNormalization", "UpSampling1D", "UpSampling2D", "ZeroPadding1D",
    "ZeroPadding2D", "add", "average", "concatenate", "deserialize", "dot", "maximum", "minimum", "multiply",
    "serialize", "subtract",
]  # fmt: skip

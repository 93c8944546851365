"""Known networks for photographs. Their layers have Keras's names, so that Keras's weight files fit.

vgg16, vgg19     3x3 convolutions                resnet, resnet50, resnet_v2   blocks added to their input
mobilenet, mobilenet_v2   depthwise convolutions   densenet   each block reads all before it
network          the parts that all share: the input, the end, the weights
files            weight files: Keras's cache, or a download
imagenet_utils   the input's scale, and the names of the 1000 classes
"""

from ..registry import missing_name
from . import densenet, imagenet_utils, mobilenet, mobilenet_v2, resnet, resnet50, resnet_v2, vgg16, vgg19
from .densenet import DenseNet121, DenseNet169, DenseNet201
from .mobilenet import MobileNet
from .mobilenet_v2 import MobileNetV2
from .resnet import ResNet50, ResNet101, ResNet152
from .resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from .vgg16 import VGG16, VGG19


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "VGG16", "VGG19", "DenseNet121", "DenseNet169", "DenseNet201", "MobileNet", "MobileNetV2", "ResNet50",
    "ResNet50V2", "ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2", "densenet", "imagenet_utils", "mobilenet",
    "mobilenet_v2", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19",
]  # fmt: skip

"""Known networks for photographs. Their layers have Keras's names, so that Keras's weight files fit.

vgg16, resnet50, mobilenet_v2   one network per file        resnet   Keras's second name for resnet50
network          the parts that all three share: the input, the end, the weights
files            weight files: Keras's cache, or a download
imagenet_utils   the input's scale, and the names of the 1000 classes
"""

from ..registry import missing_name
from . import imagenet_utils, mobilenet_v2, resnet, resnet50, vgg16
from .mobilenet_v2 import MobileNetV2
from .resnet50 import ResNet50
from .vgg16 import VGG16


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["VGG16", "MobileNetV2", "ResNet50", "imagenet_utils", "mobilenet_v2", "resnet", "resnet50", "vgg16"]

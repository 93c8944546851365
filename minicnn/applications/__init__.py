"""Known networks for photographs, with Keras's layer names, so that its weight files fit."""

from ..registry import missing_name
from . import imagenet_utils, mobilenet_v2, resnet, resnet50, vgg16
from .mobilenet_v2 import MobileNetV2
from .resnet50 import ResNet50
from .vgg16 import VGG16


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = ["VGG16", "MobileNetV2", "ResNet50", "imagenet_utils", "mobilenet_v2", "resnet", "resnet50", "vgg16"]

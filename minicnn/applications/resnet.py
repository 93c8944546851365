"""ResNet50 under its second Keras module name; the code is in `resnet50.py`."""

from .resnet50 import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

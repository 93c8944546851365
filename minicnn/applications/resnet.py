"""Where Keras has ResNet50 as well: see `resnet50.py`."""

from .resnet50 import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

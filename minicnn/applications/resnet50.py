"""ResNet50 under its first Keras module name; the code is in `resnet.py`."""

from .resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

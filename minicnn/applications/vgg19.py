"""VGG19 under its Keras module name; the code is in `vgg16.py`."""

from .vgg16 import VGG19, decode_predictions, preprocess_input

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

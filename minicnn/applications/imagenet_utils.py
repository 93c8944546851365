"""Shared by networks trained on ImageNet: the preparation of inputs, and the names of outputs."""

from __future__ import annotations

import json

import numpy as np

from ..config import checked_data_format, floatx
from ..symbol import Symbol
from .files import keras_file

_MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet's pixels, 0 to 255
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of its RGB pixels, 0 to 1
_CLASS_INDEX = "imagenet_class_index.json"
_CLASS_INDEX_HOST = "https://storage.googleapis.com/download.tensorflow.org/data/"


def as_it_is(x, data_format=None):
    """x as it is: the network scales its pixels itself."""
    return x


def preprocess_input(x, data_format=None, mode="caffe"):
    """Pixels (..., 3) from 0 to 255, scaled as in a network's training: a new array, or a symbol if x is a symbol.

    mode "caffe": BGR instead of RGB, minus ImageNet's mean; "tf": between -1 and 1; "torch": between 0 and 1, minus the
    mean, divided by the standard deviation.
    """
    checked_data_format(data_format)
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f'mode must be "caffe", "tf" or "torch"; received mode={mode!r}.')
    if not isinstance(x, Symbol):
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(floatx())
    if mode != "tf" and x.shape[-1] != 3:
        raise ValueError(f"Images must have shape (..., 3), in RGB; received shape {tuple(x.shape)}.")

    def constant(values):
        return np.array(values, x.dtype)

    if mode == "tf":
        return x / constant(127.5) - constant(1.0)
    if mode == "torch":
        return (x / constant(255.0) - constant(MEAN)) / constant(DEVIATION)
    return x[..., ::-1] - constant(_MEAN_BGR)


def decode_predictions(preds, top=5) -> list[list[tuple]]:
    """The `top` likeliest classes for every row of probabilities preds (N, 1000): (identifier, name, probability).

    The names are read from a file in Keras's cache, which is downloaded if it is not there.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise ValueError(f"ImageNet's predictions are (N, 1000); received shape {preds.shape}.")
    names = json.loads(keras_file(_CLASS_INDEX, _CLASS_INDEX_HOST, "c2c37ea517e94d9795004a39431a14cb").read_text())
    likeliest = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [[(*names[str(i)], row[i]) for i in places.tolist()] for row, places in zip(preds, likeliest, strict=True)]

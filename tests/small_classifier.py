"""A small convolutional classifier and the data it is trained on."""

from __future__ import annotations

import numpy as np
from helpers import labels, normal

import minicnn
from minicnn import layers


def classifier(dropout=0.0, dtype=None):
    return minicnn.Sequential([
        layers.Input((6, 5, 1), dtype=dtype),
        layers.Conv2D(4, 3, padding="same", activation="relu", dtype=dtype),
        layers.MaxPooling2D(2, dtype=dtype),
        layers.Flatten(dtype=dtype),
        layers.Dropout(dropout, dtype=dtype),
        layers.Dense(3, activation="softmax", dtype=dtype),
    ])  # fmt: skip


def compiled(dropout=0.0, metrics=("accuracy",)):
    model = classifier(dropout)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


X, Y = normal(21, 6, 5, 1, dtype=np.float32), labels(21, classes=3)

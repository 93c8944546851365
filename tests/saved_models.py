"""The models that the tests of saving write and read. Each can be built with minicnn and with Keras."""

from __future__ import annotations

import numpy as np
from helpers import labels, normal

X, Y = normal(24, 8, 8, 2, dtype=np.float32), labels(24, classes=3)


def row(k):
    """A Sequential model of the library k."""
    return k.Sequential([
        k.layers.Input((8, 8, 2)),
        k.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
        k.layers.BatchNormalization(),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(5, 2, kernel_initializer="he_normal"),
        k.layers.LeakyReLU(),
        k.layers.Flatten(),
        k.layers.Dense(6, activation="relu", bias_regularizer=k.regularizers.L1(0.01)),
        k.layers.Dense(3, activation="softmax"),
    ], name="row")  # fmt: skip


def graph(k):
    """A functional model with branches, a layer used twice, and nested models."""
    x = k.layers.Input((8, 8, 2), name="pixels")
    shared = k.layers.Conv2D(2, 3, padding="same", name="shared")
    inner = k.Sequential([k.layers.Input((8, 8, 2)), k.layers.DepthwiseConv2D(3, padding="same")], name="inner")
    a, b = shared(x), shared(inner(x))
    y = k.layers.Add()([a, b])
    y = k.layers.Concatenate()([y, k.layers.AveragePooling2D(1)(x)])
    z = k.layers.Input((8, 8, 4))
    deeper = k.Model(z, k.layers.Activation("tanh")(k.layers.Conv2D(3, 2, strides=2)(z)), name="deeper")
    y = k.layers.GlobalAveragePooling2D()(deeper(y))
    return k.Model(x, k.layers.Dense(3, activation="softmax")(y), name="graph")


MODELS = {"row": row, "graph": graph}
FORMATS = [".keras", ".h5"]

"""The network of `examples/fashion_mnist.py`, 333,526 parameters."""

from __future__ import annotations


def build(k):
    """The network, built with the library k: minicnn or keras."""
    return k.Sequential([
        k.Input((28, 28, 1)),
        k.layers.Conv2D(32, 3, padding="same", activation="relu"),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(64, 3, padding="same", activation="relu"),
        k.layers.MaxPooling2D(2),
        k.layers.Flatten(),
        k.layers.Dense(100, activation="relu"),
        k.layers.Dropout(0.4),
        k.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip

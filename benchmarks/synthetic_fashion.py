"""Is the drawn data set hard enough to be useful? A linear classifier must fail on it, and convolution must succeed.

    python benchmarks/synthetic_fashion.py

Trains a linear classifier for 10 epochs and the example's network for 3, on 60,000 drawn garments, and prints their
accuracies on 10,000 others. Exits with an error unless the linear classifier stays under 90 % and the network passes
95 %.
"""

from __future__ import annotations

import argparse
import sys

import machine
import network
import numpy as np

import minicnn
from minicnn import layers, utils
from minicnn.datasets import synthetic_fashion


def linear():
    return minicnn.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])


def test_accuracy(model, epochs, data):
    (x_train, y_train), (x_test, y_test) = data
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
    return model.evaluate(x_test, y_test, verbose=0)[1]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = synthetic_fashion.load_data()
    x_train, x_test = (x[..., None].astype(np.float32) / 255 for x in (x_train, x_test))
    data = (x_train, y_train), (x_test, y_test)
    accuracies = test_accuracy(linear(), 10, data), test_accuracy(network.build(minicnn), 3, data)
    print("linear classifier, 10 epochs: {:.1%}\nnetwork, 3 epochs: {:.1%}".format(*accuracies))
    print(machine.described("numpy", "numba"))
    if accuracies[0] >= 0.9 or accuracies[1] <= 0.95:
        sys.exit("the linear classifier must stay below 90 %, and the network must be above 95 %")


if __name__ == "__main__":
    main()

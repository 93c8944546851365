"""MNIST: 70,000 grey images of handwritten digits, 28x28 (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

import os

from .sources import Description, load

CLASS_NAMES = tuple("0123456789")

DESCRIPTION = Description(
    name="mnist",
    folder="mnist",
    image_shape=(28, 28),
    label_shape=(),
    host="https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def load_data(data_dir=None, path=None):
    """((x_train, y_train), (x_test, y_test)): x uint8 (60000 or 10000, 28, 28), y uint8 (60000 or 10000,).

    data_dir is a folder to search first; see `sources.py`. path, as in Keras, is a file "mnist.npz" there or in Keras's
    cache. Prints one line that says where the data came from.
    """
    folder = None if path is None else os.path.dirname(path)
    return load(DESCRIPTION, data_dir or folder or None).arrays

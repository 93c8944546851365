"""MNIST: 70,000 grey images of handwritten digits, 28x28 (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

from .sources import Description, load

CLASS_NAMES = tuple("0123456789")

DESCRIPTION = Description(
    name="mnist",
    folder="mnist",
    image_shape=(28, 28),
    label_shape=(),
    host="https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def load_data(data_dir=None):
    """((x_train, y_train), (x_test, y_test)): x uint8 (60000 or 10000, 28, 28), y uint8 (60000 or 10000,).

    data_dir is a folder to search first; see `sources.py`. Prints one line that says where the data came from.
    """
    return load(DESCRIPTION, data_dir).arrays

"""CIFAR-10: 60,000 colour images, 32x32, ten classes (Krizhevsky, 2009)."""

from __future__ import annotations

from .sources import Description, load

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

DESCRIPTION = Description(
    name="cifar10",
    folder="cifar10",
    image_shape=(32, 32, 3),
    label_shape=(1,),
    host="https://www.cs.toronto.edu/~kriz/",
)


def load_data(data_dir=None):
    """((x_train, y_train), (x_test, y_test)): x uint8 (50000 or 10000, 32, 32, 3), y uint8 (50000 or 10000, 1).

    data_dir is a folder to search first; see `sources.py`. Prints one line that says where the data came from.
    """
    return load(DESCRIPTION, data_dir).arrays

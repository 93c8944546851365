"""Fashion-MNIST: 70,000 grey images of garments, 28x28, ten classes (Xiao, Rasul and Vollgraf, 2017)."""

from __future__ import annotations

from .sources import Description, load

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

DESCRIPTION = Description(
    name="fashion_mnist",
    folder="fashion-mnist",
    image_shape=(28, 28),
    label_shape=(),
    host="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)


def load_data(data_dir=None):
    """((x_train, y_train), (x_test, y_test)): x uint8 (60000 or 10000, 28, 28), y uint8 (60000 or 10000,).

    data_dir is a folder to search first; see `sources.py`. Prints one line that says where the data came from.
    """
    return load(DESCRIPTION, data_dir).arrays

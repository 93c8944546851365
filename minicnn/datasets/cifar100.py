"""CIFAR-100: 60,000 colour images, 32x32, a hundred classes in twenty groups (Krizhevsky, 2009)."""

from __future__ import annotations

from .sources import Description, load

DESCRIPTION = Description(
    name="cifar100",
    folder="cifar100",
    image_shape=(32, 32, 3),
    label_shape=(1,),
    host="https://www.cs.toronto.edu/~kriz/",
    classes=100,
)
COARSE = DESCRIPTION._replace(name="cifar100_coarse", classes=20, tfds_name="cifar100", tfds_labels="coarse_label")


def load_data(label_mode="fine", data_dir=None):
    """((x_train, y_train), (x_test, y_test)): x uint8 (50000 or 10000, 32, 32, 3), y uint8 (50000 or 10000, 1).

    label_mode: "fine" for the hundred classes, "coarse" for the twenty groups. data_dir is a folder to search first;
    see `sources.py`. Prints one line that says where the data came from.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'label_mode must be "fine" or "coarse"; received label_mode={label_mode!r}.')
    return load(DESCRIPTION if label_mode == "fine" else COARSE, data_dir).arrays

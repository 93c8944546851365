"""Data sets of images, under Keras's names.

`fashion_mnist.load_data()` returns ((x_train, y_train), (x_test, y_test)) as uint8 arrays, and so do the others.

fashion_mnist, mnist, cifar10, cifar100   the real data sets, one per file
synthetic_fashion   drawn garments: needs no files
sources             the places where the files are searched for, in order
idx                 MNIST's own format of files
keras_cache         files that Keras downloaded earlier
tfds_source         a download through tensorflow_datasets
"""

from ..registry import missing_name
from . import cifar10, cifar100, fashion_mnist, mnist, synthetic_fashion

__all__ = ["cifar10", "cifar100", "fashion_mnist", "mnist", "synthetic_fashion"]


def __getattr__(name):
    raise missing_name(__name__, name)

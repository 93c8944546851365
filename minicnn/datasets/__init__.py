"""Data sets of images, under Keras's names: `fashion_mnist.load_data()` and its like return
((x_train, y_train), (x_test, y_test)) as uint8 arrays.

fashion_mnist, mnist, cifar10   the real data sets, one per file
synthetic_fashion   drawn garments: needs no files
sources             where the files are looked for, and in which order
keras_cache         what Keras downloaded before
tfds_source         a download through tensorflow_datasets
"""

from . import cifar10, fashion_mnist, mnist, synthetic_fashion

__all__ = ["cifar10", "fashion_mnist", "mnist", "synthetic_fashion"]

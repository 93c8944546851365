"""Data sets of images, under Keras's names: `fashion_mnist.load_data()` and its like return
((x_train, y_train), (x_test, y_test)) as uint8 arrays.

`sources.py` says where the files are looked for. `synthetic_fashion` needs no files: it draws its pictures.
"""

from . import cifar10, fashion_mnist, mnist, synthetic_fashion

__all__ = ["cifar10", "fashion_mnist", "mnist", "synthetic_fashion"]

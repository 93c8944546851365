"""Read data sets that Keras downloaded earlier, from the folders where Keras keeps them."""

from __future__ import annotations

import pickle
from pathlib import Path
from pickle import UnpicklingError

import numpy as np

from ..config import keras_home
from .idx import read_idx


def home() -> Path:
    """Keras's folder of data sets: `KERAS_HOME` or `~/.keras`, then `datasets`."""
    return keras_home() / "datasets"


def read(name: str, folder: Path) -> dict | None:
    """The arrays x_train, y_train, x_test, y_test of a data set, or None if Keras has not downloaded it."""
    readers = {
        "fashion_mnist": _fashion_mnist, "mnist": _mnist, "cifar10": _cifar10,
        "cifar100": lambda folder: _cifar100(folder, b"fine_labels"),
        "cifar100_coarse": lambda folder: _cifar100(folder, b"coarse_labels"),
    }  # fmt: skip
    return readers[name](folder)


def _fashion_mnist(folder):
    names = {
        "x_train": "train-images-idx3-ubyte.gz", "y_train": "train-labels-idx1-ubyte.gz",
        "x_test": "t10k-images-idx3-ubyte.gz", "y_test": "t10k-labels-idx1-ubyte.gz",
    }  # fmt: skip
    for place in (folder / "fashion-mnist", folder / "fashion_mnist"):
        if all((place / file).exists() for file in names.values()):
            return {part: read_idx(place / file) for part, file in names.items()}
    return None


def _mnist(folder):
    path = folder / "mnist.npz"
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}


def _cifar10(folder):
    places = (folder / "cifar-10-batches-py-target" / "cifar-10-batches-py", folder / "cifar-10-batches-py")
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for place in places:
        if all((place / name).is_file() for name in names):
            batches = [_cifar_batch(place / name) for name in names]
            x, y = [data for data, _ in batches], [labels for _, labels in batches]
            return {"x_train": np.concatenate(x[:5]), "y_train": np.concatenate(y[:5]), "x_test": x[5], "y_test": y[5]}
    return None


def _cifar100(folder, labels):
    for place in (folder / "cifar-100-python-target" / "cifar-100-python", folder / "cifar-100-python"):
        if all((place / name).is_file() for name in ("train", "test")):
            (x_train, y_train), (x_test, y_test) = (_cifar_batch(place / name, labels) for name in ("train", "test"))
            return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return None


def _cifar_batch(path, labels=b"labels"):
    """(images, labels) of one of CIFAR's original files, which are pickles of a dictionary."""
    with open(path, "rb") as file:
        batch = _ArrayUnpickler(file, encoding="bytes").load()
    images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.asarray(batch[labels], np.uint8)


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler that reads only NumPy arrays, because an unrestricted pickle can run any code."""

    _allowed = frozenset(
        (module, name)
        for module, names in {
            "numpy.core.multiarray": ["_reconstruct"],
            "numpy._core.multiarray": ["_reconstruct"],
            "numpy": ["ndarray", "dtype"],
            "_codecs": ["encode"],
        }.items()
        for name in names
    )

    def find_class(self, module, name):
        if (module, name) not in self._allowed:
            raise UnpicklingError(f"it would load {module}.{name}, but minicnn loads only arrays")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)

"""Models in files, in Keras's formats. Keras reads the files that minicnn writes, and minicnn reads Keras's files.

    atomic.py          a file is replaced as a whole or not at all
    configuration.py   a model's structure and settings as Keras's JSON, and back
    weights.py         every weight at its place in an HDF5 file: `.weights.h5`
    archive.py         `.keras`: structure, weights and optimizer state in a zip
    legacy_h5.py       `.h5` of older Keras: the same in one HDF5 file
    operations.py      functions of symbols, as Keras writes them
    hdf5_check.py      damaged HDF5 files, found before they are read
    objects.py         `serialize_keras_object`: single layers, losses and values as Keras's JSON
    files.py           `save_model`, `load_model`, `save_weights`, `load_weights`: the file's name selects the format

Nothing in a file is ever executed. A class is looked up by its name among minicnn's classes and the `custom_objects`;
any other name is an error.
"""

from ..registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    missing_name,
    register_keras_serializable,
)
from .configuration import from_json, to_json
from .files import load_model, load_weights, save_model, save_weights
from .objects import deserialize_keras_object, serialize_keras_object

CustomObjectScope = custom_object_scope


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "from_json", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "load_weights", "register_keras_serializable",
    "save_model", "save_weights", "serialize_keras_object", "to_json",
]  # fmt: skip

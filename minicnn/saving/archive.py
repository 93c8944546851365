"""The `.keras` file: a zip of metadata.json, config.json and model.weights.h5, nothing compressed.

config.json holds the model's structure and the arguments of `compile`. model.weights.h5 holds the weights and the
optimizer's state.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import zipfile

import h5py

from ..registry import custom_object_scope
from .configuration import model_for_weights, model_to_keras, own_compile_to_keras
from .hdf5_check import check_heaps, check_heaps_of_file
from .weights import read_optimizer, read_weights, write_weights

_WRITTEN_AS = "3.15.0"  # the Keras version whose format is written
_LARGEST_TEXT = 64 << 20  # the most bytes of a configuration that is read
_EXPANSION = 100  # the most times that a member may be larger than its stored bytes; Keras writes them uncompressed


def write(file, model, include_optimizer=True) -> None:
    """Write a model to a path, or to an open file."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members(model, include_optimizer).items():
            archive.writestr(name, content)


def members(model, include_optimizer=True) -> dict[str, bytes]:
    """{name in the zip: content} of a model."""
    described = model_to_keras(model)
    described["compile_config"] = own_compile_to_keras(model)
    metadata = {"keras_version": _WRITTEN_AS, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    weights = io.BytesIO()
    with h5py.File(weights, "w") as h5:
        write_weights(h5, model, include_optimizer)
    return {
        "metadata.json": json.dumps(metadata).encode(),
        "config.json": json.dumps(described).encode(),
        "model.weights.h5": weights.getvalue(),
    }


def read(file, custom_objects=None, compile=True):
    """The model in a file, in an open file, or in a folder with the zip's members."""
    if isinstance(file, str) and os.path.isdir(file):
        config, weights = (_of_folder(file, name) for name in ("config.json", "model.weights.h5"))
    else:
        with zipfile.ZipFile(file) as archive:
            config, weights = _member(archive, "config.json", _LARGEST_TEXT), _member(archive, "model.weights.h5")
    described = json.loads(config)
    if not isinstance(described, dict):
        raise ValueError(f"The configuration in {file!r} is not a JSON object.")
    compiling = described.pop("compile_config", None)
    model = model_for_weights(described, custom_objects)
    with opened(io.BytesIO(weights), file) as h5:
        read_weights(h5, model)
        if compile and compiling:
            with custom_object_scope(custom_objects or {}):
                model.compile_from_config(compiling)
            if model.built and model.compiled:
                read_optimizer(h5, model)
    return model


def _of_folder(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def read_weights_only(file: str, model, skip_mismatch=False) -> None:
    """Set the model's weights from a `.keras` file."""
    with zipfile.ZipFile(file) as archive:
        weights = io.BytesIO(_member(archive, "model.weights.h5"))
    with opened(weights, file) as h5:
        read_weights(h5, model, skip_mismatch)


def opened(h5, file):
    """`h5py.File` of a path or of bytes in memory. ValueError if they are not an HDF5 file, or a damaged one."""
    if isinstance(h5, io.BytesIO):
        check_heaps(h5.getvalue(), file)
    else:
        check_heaps_of_file(h5)
    try:
        return h5py.File(h5, "r")
    except OSError as error:
        if isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError)):
            raise
        raise ValueError(f"{file!r} does not hold a whole HDF5 file: {error}.") from error


def _member(archive, name, largest=None) -> bytes:
    """The bytes of a member. ValueError if the member is missing, or much larger than its stored bytes."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"The file has no {name}: it is not a .keras file of Keras 3.") from None
    if info.file_size > max(1 << 20, _EXPANSION * info.compress_size) or (largest and info.file_size > largest):
        raise ValueError(
            f"The file's {name} is too large: the {info.compress_size} bytes stored for it would become "
            f"{info.file_size} bytes."
        )
    return archive.read(name)

"""Save and load models and weights. The ending of the file's name selects the format."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager

import h5py

from ..models import Model
from . import archive, legacy_h5
from .atomic import replacing
from .weights import child, read_weights, write_weights

_LONGEST_MESSAGE = 1000  # characters


def save_model(model: Model, filepath, overwrite=True, include_optimizer=True, zipped=None, **unknown) -> None:
    """Save structure, weights and optimizer state to a file that ends in .keras, .h5 or .hdf5, or to an open file.

    An existing file is replaced as a whole. With overwrite=False, an existing file raises FileExistsError. With
    zipped=False, what a .keras file holds is written to a folder, as files. A model that is not built has no weights:
    then the file holds its structure only.
    """
    if unknown:
        raise TypeError(f"save_model has no argument {next(iter(unknown))!r}.")
    if not model.built:
        warnings.warn(
            f"{model.name!r} has no weights yet, and is saved without them: build it, or call it on data, before.",
            stacklevel=2,
        )
    if hasattr(filepath, "write"):
        archive.write(filepath, model, include_optimizer)
        return
    if zipped is False:
        _save_to_folder(model, os.fspath(filepath), overwrite, include_optimizer)
        return
    file = _checked(filepath, (".keras", ".h5", ".hdf5"), "A model")
    if not file.endswith(".keras"):  # as Keras does it, in the older formats only
        os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
    _refuse_existing(file, overwrite)
    with failures_told(file), replacing(file) as new:
        (archive if file.endswith(".keras") else legacy_h5).write(new, model, include_optimizer)


def _save_to_folder(model, folder, overwrite, include_optimizer):
    if folder.endswith((".keras", ".h5", ".hdf5")):
        raise ValueError(
            f"With zipped=False the model goes into a folder, whose name has no ending; received {folder!r}."
        )
    _refuse_existing(folder, overwrite)
    os.makedirs(folder, exist_ok=True)
    for name, content in archive.members(model, include_optimizer).items():
        with replacing(os.path.join(folder, name)) as new, open(new, "wb") as file:
            file.write(content)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True) -> Model:
    """The model in a .keras, .h5 or .hdf5 file of minicnn or Keras, compiled as it was saved unless compile=False.

    filepath may also be an open file, or a folder with the files that a .keras file holds. custom_objects: {name:
    class} for your own classes. No code in a file is ever run; safe_mode changes nothing.
    """
    if hasattr(filepath, "read"):
        with broken_files_told(f"the open file {filepath!r}"):
            return archive.read(filepath, custom_objects, compile)
    folder = os.path.isdir(filepath)
    file = os.fspath(filepath) if folder else _existing(_checked(filepath, (".keras", ".h5", ".hdf5"), "A model"))
    with broken_files_told(file):
        return (archive if folder or file.endswith(".keras") else legacy_h5).read(file, custom_objects, compile)


def save_weights(model: Model, filepath, overwrite=True) -> None:
    """Save the weights to a file that ends in .weights.h5 (the format of Keras 3) or .h5 (that of older Keras)."""
    file = _checked(filepath, (".h5", ".hdf5"), "Weights")
    if not model.built:
        raise ValueError(f"{model.name!r} has no weights yet: build it, or call it on data, before saving them.")
    _refuse_existing(file, overwrite)
    with failures_told(file), replacing(file) as new, h5py.File(new, "w") as h5:
        (write_weights if file.endswith(".weights.h5") else legacy_h5.write_weights)(h5, model)


def load_weights(model: Model, filepath, skip_mismatch=False, by_name=False) -> None:
    """Set the model's weights from a .weights.h5, .keras or .h5 file. If the file does not fit, no weight changes.

    skip_mismatch leaves out the layers whose weights have other shapes. by_name (.h5 files of older Keras only) sets
    the layers whose names are in the file.
    """
    file = _existing(_checked(filepath, (".keras", ".h5", ".hdf5"), "Weights"))
    if not model.built:
        raise ValueError(f"{model.name!r} has no weights yet: build it, or call it on data, before loading them.")
    if by_name and file.endswith((".keras", ".weights.h5")):
        raise ValueError(
            f"by_name=True needs an .h5 file of older Keras, which stores the layers' names; received {file!r}."
        )
    with broken_files_told(file):
        if file.endswith(".keras"):
            archive.read_weights_only(file, model, skip_mismatch)
            return
        with archive.opened(file, file) as h5:
            group = h5 if "layer_names" in h5.attrs or "layer_names0" in h5.attrs else child(h5, "model_weights")
            if isinstance(group, h5py.Group):
                legacy_h5.read_weights(group, model, skip_mismatch, by_name)
                return
            read_weights(h5, model, skip_mismatch, with_optimizer=model.compiled and not skip_mismatch)


@contextmanager
def failures_told(file):
    """Name the file in errors of writing, such as a full disk, which HDF5 reports in its own words."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        what = os.strerror(error.errno) if getattr(error, "errno", None) else str(error)[:_LONGEST_MESSAGE]
        kind = type(error) if isinstance(error, OSError) else OSError
        raise kind(
            getattr(error, "errno", None) or 0,
            f"{file!r} cannot be saved ({what}). A file that was there before is unchanged.",
        ) from error


@contextmanager
def broken_files_told(file):
    """Turn the errors that a broken or hostile file causes in this block into a ValueError of a readable length."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:
        text = str(error)
        if len(text) > _LONGEST_MESSAGE:
            text = f"{text[:_LONGEST_MESSAGE]} ... ({len(text)} characters)"
            raise ValueError(f"{file!r} is broken: {type(error).__name__} {text}") from None
        if type(error) is ValueError:
            raise
        raise ValueError(f"{file!r} is broken: {type(error).__name__} {text}.") from error


def _checked(filepath, endings, what) -> str:
    file = os.fspath(filepath)
    if not file.endswith(endings):
        raise ValueError(f"{what} must be in a file whose name ends in {', '.join(endings)}; received {file!r}.")
    return file


def _existing(file):
    if not os.path.exists(file):
        raise FileNotFoundError(f"There is no file {file!r}.")
    if not os.path.isfile(file):  # a pipe, for example, from which reading waits for ever
        raise ValueError(f"{file!r} is not a file, but a folder, a pipe or a device.")
    return file


def _refuse_existing(file, overwrite):
    if os.path.isdir(os.path.dirname(file) or ".") is False:
        raise FileNotFoundError(f"There is no folder {os.path.dirname(file)!r} to save {os.path.basename(file)!r} in.")
    if not overwrite and os.path.exists(file):
        raise FileExistsError(f"{file!r} exists, and overwrite is False.")

"""Find and load a data set. `load` searches four places in this order, and prints one line that names the source:

1. the folder `data_dir`, then the folder in the environment variable MINICNN_DATA; they may hold
   `<folder>/<name>.npz`, `<name>.npz`, or `<folder>/` with the original IDX files, gzipped or not;
2. Keras's cache, `~/.keras/datasets` (or below KERAS_HOME);
3. the file of an earlier download, `<name>.npz` in minicnn's own cache;
4. a download through tensorflow_datasets (`tfds_source.py`), kept in minicnn's cache for the next time.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import config
from ..printing import say
from . import keras_cache
from .idx import read_idx

PARTS = ("x_train", "y_train", "x_test", "y_test")


class Description(NamedTuple):
    """A data set's name here, its folder, the shapes of one image and one label, its host, the number of its classes,
    and its name and the name of its labels in tensorflow_datasets."""

    name: str
    folder: str
    image_shape: tuple[int, ...]
    label_shape: tuple[int, ...]
    host: str
    classes: int = 10
    tfds_name: str | None = None
    tfds_labels: str = "label"


class Loaded(NamedTuple):
    """The arrays in Keras's form ((x_train, y_train), (x_test, y_test)), and where they came from."""

    arrays: tuple
    source: str


class DataNotFoundError(FileNotFoundError):
    """No place had the data set. The message names every place that was searched."""


def load(description: Description, data_dir=None) -> Loaded:
    """Find and read a data set. DataNotFoundError if no place has it; ValueError if a file is damaged."""
    looked_in = []
    for folder in _folders(data_dir):
        parts = _read_folder(Path(folder).expanduser(), description)
        if parts is not None:
            return _announced(parts, description, str(folder))
        looked_in.append(f"the folder {folder} (no {description.folder}/*.gz and no {description.name}.npz)")
    if not looked_in:
        looked_in.append("no folder (MINICNN_DATA is not set and data_dir not given)")

    home = keras_cache.home()
    parts = _checked_read(lambda: keras_cache.read(description.name, home), home)
    if parts is not None:
        return _announced(parts, description, f"Keras's cache {home}")
    looked_in.append(f"Keras's cache {home}")

    kept = cache_folder() / f"{description.name}.npz"
    parts = _read_kept(kept)
    if parts is not None:
        return _announced(parts, description, f"{kept} (downloaded earlier)")
    looked_in.append(f"earlier downloads {kept}")

    from . import tfds_source  # late: tensorflow_datasets is optional and heavy

    try:
        parts = tfds_source.download(description)
    except tfds_source.NotReachableError as reason:
        looked_in.append(f"tensorflow_datasets ({reason})")
        raise DataNotFoundError(
            f"{description.name} was not found. Looked in: {'; '.join(looked_in)}. Set MINICNN_DATA to a folder that "
            f"holds {description.folder}/ with the .gz files, or {description.name}.npz."
        ) from None
    keep(parts, kept)
    return _announced(parts, description, "tensorflow_datasets")


def cache_folder() -> Path:
    """The folder where downloads are kept."""
    return config.cache_home() / "datasets"


def keep(parts: dict, path: Path) -> None:
    """Write the arrays to `path` with a checksum. If the folder cannot be written, print so and keep nothing."""
    part_file = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part_file, **parts, sha256=np.array(_checksum(parts)))
        part_file.replace(path)
    except OSError as error:
        say(f"minicnn: the download is not kept: minicnn cannot write to {path.parent} ({error}).", stream=sys.stderr)


def _read_kept(path):
    """The arrays that `keep` wrote; None if there is no file. If the file is damaged, print so and return None."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in PARTS}
            intact = str(file["sha256"]) == _checksum(parts)
    except Exception:  # NumPy has many kinds for damaged files
        intact = False
    if not intact:
        say(f"minicnn: {path} is damaged and is not used.", stream=sys.stderr)
        return None
    return parts


def _checksum(parts):
    digest = hashlib.sha256()
    for name in PARTS:
        digest.update(np.ascontiguousarray(parts[name]))
    return digest.hexdigest()


def _folders(data_dir):
    return [folder for folder in (data_dir, os.environ.get("MINICNN_DATA")) if folder]


def _read_folder(folder, description):
    """The four arrays from `folder`, or None if the folder does not hold them."""
    for path in (folder / description.folder / f"{description.name}.npz", folder / f"{description.name}.npz"):
        if path.exists():
            return _checked_read(lambda path=path: _read_npz(path), path)
    for place in (folder / description.folder, folder / description.name):
        files = [_idx_file(place, kind) for kind in ("train-images", "train-labels", "t10k-images", "t10k-labels")]
        if all(files):
            return {
                part: _checked_read(lambda file=file: read_idx(file), file)
                for part, file in zip(PARTS, files, strict=True)
            }
    return None


def _idx_file(folder, kind):
    """The file of that kind in the folder, for example train-images-idx3-ubyte, with .gz or without; or None."""
    return next(iter(sorted(folder.glob(f"{kind}[-.]idx?-ubyte*"))), None)


def _read_npz(path):
    with np.load(path, allow_pickle=False) as file:
        missing = [name for name in PARTS if name not in file]
        if missing:
            raise ValueError(f"it has no array {missing[0]!r}")
        return {name: file[name] for name in PARTS}


def _checked_read(read, path):
    """Return what `read` returns. If the file is damaged, raise a ValueError that names it."""
    try:
        return read()
    except Exception as error:  # NumPy, gzip and pickle have many kinds for damaged files
        raise ValueError(
            f"{path} cannot be read: {str(error)[:1000]}. Replace it, or move it away; then minicnn looks in other "
            "places."
        ) from error


def _announced(parts, description, source):
    """Check the arrays, print a line that says where they came from, and return them in Keras's shapes."""
    shaped = []
    for name in PARTS:
        array = np.asarray(parts[name])
        wanted, limit = (
            (description.image_shape, 256) if name.startswith("x") else (description.label_shape, description.classes)
        )
        fits = _without_ones(array.shape[1:]) == _without_ones(wanted) and array.dtype.kind in "ui" and array.size
        if not fits or array.min() < 0 or array.max() >= limit:
            raise ValueError(
                f"{description.name} from {source}: {name} should be integers below {limit} of shape {('n', *wanted)}; "
                f"found {array.dtype} of shape {array.shape}."
            )
        shaped.append(np.ascontiguousarray(array, np.uint8).reshape(len(array), *wanted))
    x_train, y_train, x_test, y_test = shaped
    if len(x_train) != len(y_train) or len(x_test) != len(y_test):
        raise ValueError(
            f"{description.name} from {source}: each image needs one label; found {len(x_train)} training images with "
            f"{len(y_train)} labels, and {len(x_test)} test images with {len(y_test)} labels."
        )
    say(f"{description.name}: from {source}")
    return Loaded(((x_train, y_train), (x_test, y_test)), source)


def _without_ones(shape):
    """A shape without its axes of size 1, because an extra axis of one channel does not change an image."""
    return tuple(size for size in shape if size != 1)

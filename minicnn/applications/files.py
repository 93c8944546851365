"""Find the files of known networks in Keras's cache, or download them into it."""

from __future__ import annotations

from pathlib import Path

from ..utils.get_file import get_file


def keras_file(name: str, host: str, checksum: str | None) -> Path:
    """The file of that name in Keras's folder of models. If it is not there, download it from host + name.

    checksum: the MD5 or SHA-256 that the file must have. FileNotFoundError if the file cannot be downloaded; the
    message says where to put it.
    """
    try:
        return Path(get_file(name, host + name, file_hash=checksum, cache_subdir="models"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Or use weights=None, or weights= with the path of your own file.") from error

"""The files of known networks: in Keras's cache, or downloaded into it."""

from __future__ import annotations

import hashlib
import os
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from ..config import keras_home

_SECONDS = 20  # without any answer, until a download is given up


def keras_file(name: str, host: str, md5: str | None) -> Path:
    """The file of that name in Keras's folder of models; it is downloaded from host + name if it is not there.

    FileNotFoundError, which says what to put where, if there is no way to it; ValueError if it is not the file that
    md5 describes.
    """
    path = keras_home() / "models" / name
    if not path.exists():
        _download(host + name, path, md5)
    _check(path, md5)
    return path


def _check(path, md5):
    if md5 is not None and _md5(path) != md5:
        raise ValueError(f"{path} is not the file that was expected (its MD5 is not {md5}): remove it, to get it anew.")


def _download(address, path, md5):
    """Fetch the file; only a whole one gets its name."""
    print(f"minicnn: downloading {address} to {path}", flush=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(address, timeout=_SECONDS) as answer, open(part, "wb") as file:
            while block := answer.read(1 << 20):
                file.write(block)
            announced = answer.headers.get("Content-Length")
            if announced is not None and file.tell() != int(announced):
                raise OSError(f"the connection broke after {file.tell()} of {announced} bytes")
        _check(part, md5)
        part.replace(path)
    except (OSError, HTTPException) as error:
        raise FileNotFoundError(
            f"{path.name} is not there, and cannot be downloaded ({error}). Get it from {address} and put it in "
            f"{path.parent}, or choose weights=None, or weights= with a file of your own."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()

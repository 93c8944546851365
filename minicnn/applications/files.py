"""Find the files of known networks in Keras's cache, or download them into it."""

from __future__ import annotations

import hashlib
import os
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from ..config import keras_home

_SECONDS = 20  # a download is stopped after so many seconds without an answer


def keras_file(name: str, host: str, md5: str | None) -> Path:
    """The file of that name in Keras's folder of models. If it is not there, download it from host + name.

    FileNotFoundError if the file cannot be downloaded; the message says where to put it. ValueError if the file's MD5
    is not `md5`.
    """
    path = keras_home() / "models" / name
    if not path.exists():
        _download(host + name, path, md5)
    _check(path, md5)
    return path


def _check(path, md5):
    if md5 is not None and _md5(path) != md5:
        raise ValueError(f"{path} is not the expected file (its MD5 is not {md5}): delete it to download it again.")


def _download(address, path, md5):
    """Download the file under another name, and rename it to `path` only when it is complete."""
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
            f"{path.name} was not found, and it cannot be downloaded ({error}). Get it from {address} and put it in "
            f"{path.parent}, or use weights=None, or weights= with the path of your own file."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()

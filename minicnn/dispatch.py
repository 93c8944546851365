"""Choose which variant of an operation runs. A backend is a file name inside each operation's folder.

    "loops"   loops.py       the definition in for-loops; without this file, vectorized.py is the definition
    "numpy"   vectorized.py  NumPy
    "tiled"   tiled.py       the convolution's first fast version, to read before cpu.py; other operations use cpu.py
    "cpu"     cpu.py         Numba, parallel (the default)
    "cuda"    gpu.py         numba.cuda, on an NVIDIA GPU

`MINICNN_BACKEND` or `set_backend` chooses the backend. "auto" means "cuda" if a GPU can be used, else "cpu", and prints
the choice. A missing file or GPU is an error: minicnn never switches to another backend silently.
"""

from __future__ import annotations

import importlib
import importlib.util
import os

from .printing import say
from .registry import nearest

_FILES = {
    "loops": ("loops", "vectorized"),
    "numpy": ("vectorized",),
    "tiled": ("tiled", "cpu"),
    "cpu": ("cpu",),
    "cuda": ("gpu",),
}
_loaded: dict[tuple[str, str], object] = {}

NAMES = (*_FILES, "auto")
"""The names that `set_backend` takes."""


def backends() -> list[str]:
    """The names of the backends that can be used here."""
    return [name for name in _FILES if name != "cuda" or _device().what_is_missing() is None]


def _checked(name: str, source: str) -> str:
    """The backend that `name` means. ValueError for an unknown name; RuntimeError for "cuda" without a usable GPU."""
    if name not in (*_FILES, "auto"):
        raise ValueError(f"Unknown backend {name!r} in {source}. {nearest(name, NAMES)}")
    if name == "cuda":
        _device().check()
    if name == "auto":
        missing = _device().what_is_missing()
        name = "cpu" if missing else "cuda"
        say(f"minicnn: backend {name!r} ({missing or _device().name()})")
    return name


def _device():
    """Load `kernels/gpu/device.py`, only when a GPU may be used: loading takes time, and numba-cuda may be missing."""
    return importlib.import_module("minicnn.kernels.gpu.device")


_backend = _checked(os.environ.get("MINICNN_BACKEND", "cpu"), "the environment variable MINICNN_BACKEND")


def backend() -> str:
    """The name of the backend in use."""
    return _backend


def set_backend(name: str) -> None:
    """Use the backend of that name for every operation from now on."""
    global _backend
    _backend = _checked(name, "set_backend")


def variant(operation: str):
    """The module that runs `operation` (the full name of its package) on the backend in use."""
    module = _loaded.get((operation, _backend))
    if module is None:
        module = _loaded[operation, _backend] = _load(operation)
    return module


def _load(operation):
    for file in _FILES[_backend]:
        if importlib.util.find_spec(f"{operation}.{file}") is not None:
            return importlib.import_module(f"{operation}.{file}")
    folder = operation.split(".", 1)[1].replace(".", "/")
    raise NotImplementedError(
        f"Backend {_backend!r} needs {folder}/{_FILES[_backend][0]}.py, and there is no such file."
    )

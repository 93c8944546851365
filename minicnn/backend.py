"""Which variant of an operation runs. A backend is a file name inside each operation's folder.

    "loops"   loops.py       the definition in for-loops; where an operation has none, vectorized.py is the definition
    "numpy"   vectorized.py  NumPy
    "cpu"     cpu.py         Numba, parallel (the default)

`MINICNN_BACKEND` or `set_backend` chooses. A missing file is an error; nothing falls back in silence.
"""

from __future__ import annotations

import importlib
import importlib.util
import os

from .registry import nearest

_FILES = {"loops": ("loops", "vectorized"), "numpy": ("vectorized",), "cpu": ("cpu",)}
_loaded: dict[tuple[str, str], object] = {}


def backends() -> list[str]:
    """The names that `set_backend` takes."""
    return list(_FILES)


def _checked(name: str, source: str) -> str:
    if name not in _FILES:
        raise ValueError(f"Unknown backend {name!r} in {source}. {nearest(name, _FILES)}")
    return name


_backend = _checked(os.environ.get("MINICNN_BACKEND", "cpu"), "the environment variable MINICNN_BACKEND")


def backend() -> str:
    """The name of the backend in use."""
    return _backend


def set_backend(name: str) -> None:
    """Use the backend of that name for every operation from here on."""
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

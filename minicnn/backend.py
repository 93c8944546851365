"""The names of `keras.backend`, and `set_backend`, which chooses the variant of the operations (`dispatch.py`).

The functions that older programs find here are in `backend_functions.py`.
"""

from __future__ import annotations

from . import backend_functions
from .backend_functions import *  # noqa: F403
from .config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from .dispatch import NAMES, backend, backends, set_backend
from .layers.names import clear_session
from .registry import missing_name

__all__ = [
    "NAMES", "backend", "backends", "clear_session", "epsilon", "floatx", "image_data_format", "set_backend",
    "set_epsilon", "set_floatx", "set_image_data_format", *backend_functions.__all__,
]  # fmt: skip


def __getattr__(name):
    raise missing_name(__name__, name)

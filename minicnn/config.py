"""Settings of the whole library: the floating-point type, the small constant epsilon, the seed, the cache folder."""

from __future__ import annotations

import os
import random
import secrets
from pathlib import Path

import numpy as np

from .printing import say
from .registry import missing_name

_FLOAT_TYPES = ("float32", "float64")
_MIXED = ("mixed_float16", "mixed_bfloat16")
_told_mixed: list[str] = []
_floatx = "float32"
_epsilon = 1e-7
_seeds = np.random.default_rng(secrets.randbits(64))


def floatx() -> str:
    """The type that weights and activations have by default: "float32" or "float64"."""
    return _floatx


def set_floatx(dtype: str) -> None:
    """Set the default type of weights and activations made from now on."""
    global _floatx
    _floatx = checked_float_type(dtype)


def checked_float_type(dtype) -> str:
    """`dtype`, the name of a type or a policy, as "float32" or "float64"; ValueError for any other type."""
    dtype = getattr(dtype, "compute_dtype", dtype)
    if isinstance(dtype, str) and dtype in _MIXED:
        if not _told_mixed:
            _told_mixed.append(dtype)
            say(f"minicnn: {dtype} has no effect, as minicnn computes in float32 or float64.")
        return "float32"
    name = np.dtype(dtype).name
    if name not in _FLOAT_TYPES:
        raise ValueError(f"minicnn computes in float32 or float64; received dtype={dtype!r}.")
    return name


def epsilon() -> float:
    """A small number, 1e-7 unless set. For example, losses keep probabilities this far from 0 and 1."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the value that `epsilon()` returns."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Always "channels_last": images are (N, H, W, C) here."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accepts "channels_last"; ValueError for Keras's other layout."""
    checked_data_format(data_format)


def checked_data_format(data_format) -> str:
    """Always "channels_last"; ValueError for Keras's other layout."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f'minicnn keeps images as (N, H, W, C), data_format="channels_last"; received data_format={data_format!r}.'
        )
    return "channels_last"


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and minicnn's random numbers, so that a program gives the same bits in every run."""
    global _seeds
    if not hasattr(seed, "__index__") or int(seed) < 0:
        raise ValueError(f"A seed is an integer, zero or more; received seed={seed!r}.")
    seed = int(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    _seeds = np.random.default_rng(seed)


def next_seed() -> int:
    """A fresh 63-bit seed from minicnn's own stream: one for each initializer call, dropout layer and shuffle."""
    return int(_seeds.integers(2**63))


def seeds_state() -> dict:
    """Where minicnn's own stream of seeds is, for `set_seeds_state`."""
    return _seeds.bit_generator.state


def set_seeds_state(state: dict) -> None:
    """Bring minicnn's own stream of seeds back to where it was."""
    _seeds.bit_generator.state = state


def cache_home() -> Path:
    """minicnn's folder for compiled kernels and downloads: `MINICNN_CACHE_DIR`, or minicnn/ in `XDG_CACHE_HOME`,
    or in `~/.cache`."""
    if os.environ.get("MINICNN_CACHE_DIR"):
        return Path(os.environ["MINICNN_CACHE_DIR"])
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "minicnn"


def keras_home() -> Path:
    """Keras's folder of downloads, `KERAS_HOME` or `~/.keras`."""
    return Path(os.environ["KERAS_HOME"]) if os.environ.get("KERAS_HOME") else Path.home() / ".keras"


def __getattr__(name):
    raise missing_name(__name__, name)

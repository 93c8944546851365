"""A table for one axis: the pixels of x that each pixel of y is mixed from."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=256)
def table(length: int, wanted: int, interpolation: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(first, second, share): pixel i of y is a mix of pixels first[i] and second[i] of x; share[i] is the second's.

    The axis has `length` pixels in x and `wanted` pixels in y. The arrays (wanted,) are int32, int32 and float32. The
    numbers are computed in float32, as in TensorFlow.
    """
    scale = np.float32(length) / np.float32(wanted)
    centres = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * scale
    if interpolation == "nearest":
        first = np.minimum(np.floor(centres), length - 1).astype(np.int32)
        return first, first, np.zeros(wanted, np.float32)
    places = centres - np.float32(0.5)
    below = np.floor(places)
    first, second = np.clip(below, 0, None).astype(np.int32), np.clip(below + 1, None, length - 1).astype(np.int32)
    return first, second, places - below


@lru_cache(maxsize=256)
def number_table(length: int, wanted: int, interpolation: str, channels: int):
    """The same table for the numbers of a row whose pixels have so many channels: arrays (wanted * channels,).

    The indices are uint32, so that compiled code need not look for negative ones.
    """
    first, second, share = table(length, wanted, interpolation)
    pixels = (first[:, None], second[:, None])
    first, second = ((pixel * channels + np.arange(channels)).ravel().astype(np.uint32) for pixel in pixels)
    return first, second, np.repeat(share, channels)

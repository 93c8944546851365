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


def _cubic(x):
    """Keys's cubic with a = -0.5, "Cubic convolution interpolation for digital image processing", 1981."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius):
    return lambda x: np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0)


_KERNELS = {
    "bilinear": lambda x: np.maximum(1 - np.abs(x), 0), "bicubic": _cubic, "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}  # fmt: skip


@lru_cache(maxsize=64)
def weights(length: int, wanted: int, interpolation: str, antialias: bool) -> np.ndarray:
    """The share of each pixel of x in each pixel of y: (wanted, length) in float64; the shares of a pixel add up to 1.

    A pixel of y sees the pixels of x around its place through a kernel. With antialias the kernel is as much wider as
    the image becomes smaller, so that every pixel of x counts. "area" takes the part of each pixel that is covered.
    """
    scale = length / wanted
    if interpolation == "area":
        ends = np.arange(wanted + 1)[:, None] * scale
        covered = np.minimum(ends[1:], np.arange(length) + 1) - np.maximum(ends[:-1], np.arange(length))
        shares = np.maximum(covered, 0)
    else:
        centres = (np.arange(wanted)[:, None] + 0.5) * scale
        width = max(scale, 1.0) if antialias else 1.0
        shares = _KERNELS[interpolation]((np.arange(length) + 0.5 - centres) / width)
    return shares / shares.sum(axis=1, keepdims=True)

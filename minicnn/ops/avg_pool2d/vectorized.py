"""Average pooling in NumPy: add up the window's KH*KW taps, divide by how many of them exist."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    at = window(H, W, pool_size, strides, padding)
    padded = np.pad(x, ((0, 0), (at.PT, at.PB), (at.PL, at.PR), (0, 0)))
    y = sum(_tap(padded, at, tap) for tap in range(at.KH * at.KW)) / _counts(H, W, at, x.dtype)
    return y, ((x.shape, at) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), at = saved
    share = dy / _counts(H, W, at, dy.dtype)
    padded = np.zeros((N, H + at.PT + at.PB, W + at.PL + at.PR, C), dy.dtype)
    for tap in range(at.KH * at.KW):
        place = _tap(padded, at, tap)
        place += share
    return np.ascontiguousarray(padded[:, at.PT : at.PT + H, at.PL : at.PL + W])


def _tap(padded, at, tap):
    """A view of one tap of every window: (N, OH, OW, C)."""
    kh, kw = divmod(tap, at.KW)
    return padded[:, kh : kh + (at.OH - 1) * at.SH + 1 : at.SH, kw : kw + (at.OW - 1) * at.SW + 1 : at.SW]


def _counts(H, W, at, dtype):
    """How many cells of each window lie inside the image: (1, OH, OW, 1)."""
    ones = np.pad(np.ones((1, H, W, 1), dtype), ((0, 0), (at.PT, at.PB), (at.PL, at.PR), (0, 0)))
    return sum(_tap(ones, at, tap) for tap in range(at.KH * at.KW))

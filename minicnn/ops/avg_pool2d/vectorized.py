"""Average pooling in NumPy: add up the window's KH*KW taps, then divide by the number of cells inside the image."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    padded = np.pad(x, ((0, 0), (win.PT, win.PB), (win.PL, win.PR), (0, 0)))
    y = sum(_tap(padded, win, tap) for tap in range(win.KH * win.KW)) / _counts(H, W, win, x.dtype)
    return y, ((x.shape, win) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), win = saved
    share = dy / _counts(H, W, win, dy.dtype)
    padded = np.zeros((N, H + win.PT + win.PB, W + win.PL + win.PR, C), dy.dtype)
    for tap in range(win.KH * win.KW):
        place = _tap(padded, win, tap)
        place += share
    return np.ascontiguousarray(padded[:, win.PT : win.PT + H, win.PL : win.PL + W])


def _tap(padded, win, tap):
    """A view of one tap of every window: (N, OH, OW, C)."""
    kh, kw = divmod(tap, win.KW)
    return padded[:, kh : kh + (win.OH - 1) * win.SH + 1 : win.SH, kw : kw + (win.OW - 1) * win.SW + 1 : win.SW]


def _counts(H, W, win, dtype):
    """The number of cells of each window that are inside the image: (1, OH, OW, 1)."""
    ones = np.pad(np.ones((1, H, W, 1), dtype), ((0, 0), (win.PT, win.PB), (win.PL, win.PR), (0, 0)))
    return sum(_tap(ones, win, tap) for tap in range(win.KH * win.KW))

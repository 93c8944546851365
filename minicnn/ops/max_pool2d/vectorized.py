"""Max pooling in NumPy: one comparison of whole images for each of the window's KH*KW taps."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = np.full((N, win.OH, win.OW, C), -np.inf, x.dtype)
    argmax = np.full(y.shape, -1, np.int32)  # kh * KW + kw of the largest number so far
    padded = np.pad(x, _around(win), constant_values=-np.inf)
    inside = np.pad(np.ones((1, H, W, 1), bool), _around(win))
    for tap in range(win.KH * win.KW):
        value, exists = _tap(padded, win, tap), _tap(inside, win, tap)
        better = exists & ((argmax < 0) | (value > y) | (np.isnan(value) & ~np.isnan(y)))
        y = np.where(better, value, y)
        argmax = np.where(better, tap, argmax)
    return y, ((x.shape, argmax, win) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), argmax, win = saved
    padded = np.zeros((N, H + win.PT + win.PB, W + win.PL + win.PR, C), dy.dtype)
    for tap in range(win.KH * win.KW):
        place = _tap(padded, win, tap)
        place += np.where(argmax == tap, dy, dy.dtype.type(0))
    return np.ascontiguousarray(padded[:, win.PT : win.PT + H, win.PL : win.PL + W])


def _around(win):
    return ((0, 0), (win.PT, win.PB), (win.PL, win.PR), (0, 0))


def _tap(padded, win, tap):
    """A view of one tap of every window: (N, OH, OW, C)."""
    kh, kw = divmod(tap, win.KW)
    return padded[:, kh : kh + (win.OH - 1) * win.SH + 1 : win.SH, kw : kw + (win.OW - 1) * win.SW + 1 : win.SW]

"""Max pooling in NumPy: one comparison of whole images for each of the window's KH*KW taps."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    at = window(H, W, pool_size, strides, padding)
    y = np.full((N, at.OH, at.OW, C), -np.inf, x.dtype)
    winner = np.full(y.shape, -1, np.int32)  # kh * KW + kw of the largest number so far
    padded = np.pad(x, _around(at), constant_values=-np.inf)
    inside = np.pad(np.ones((1, H, W, 1), bool), _around(at))
    for tap in range(at.KH * at.KW):
        value, exists = _tap(padded, at, tap), _tap(inside, at, tap)
        better = exists & ((winner < 0) | (value > y) | (np.isnan(value) & ~np.isnan(y)))
        y = np.where(better, value, y)
        winner = np.where(better, tap, winner)
    return y, ((x.shape, winner, at) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), winner, at = saved
    padded = np.zeros((N, H + at.PT + at.PB, W + at.PL + at.PR, C), dy.dtype)
    for tap in range(at.KH * at.KW):
        place = _tap(padded, at, tap)
        place += np.where(winner == tap, dy, dy.dtype.type(0))
    return np.ascontiguousarray(padded[:, at.PT : at.PT + H, at.PL : at.PL + W])


def _around(at):
    return ((0, 0), (at.PT, at.PB), (at.PL, at.PR), (0, 0))


def _tap(padded, at, tap):
    """A view of one tap of every window: (N, OH, OW, C)."""
    kh, kw = divmod(tap, at.KW)
    return padded[:, kh : kh + (at.OH - 1) * at.SH + 1 : at.SH, kw : kw + (at.OW - 1) * at.SW + 1 : at.SW]

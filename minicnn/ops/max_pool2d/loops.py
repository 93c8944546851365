"""Max pooling as its definition reads."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    at = window(H, W, pool_size, strides, padding)
    y = np.empty((N, at.OH, at.OW, C), x.dtype)
    winner = np.empty((N, at.OH, at.OW, C, 2), np.intp)
    for n, oh, ow, c in np.ndindex(y.shape):
        best = None
        for kh in range(at.KH):
            for kw in range(at.KW):
                h, w = oh * at.SH + kh - at.PT, ow * at.SW + kw - at.PL
                if not (0 <= h < H and 0 <= w < W):
                    continue
                value = x[n, h, w, c]
                if best is None or value > best or value != value:
                    best, winner[n, oh, ow, c] = value, (h, w)
                if value != value:
                    break
            if best is not None and best != best:
                break
        y[n, oh, ow, c] = best
    return y, ((x.shape, winner) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, winner = saved
    dx = np.zeros(x_shape, dy.dtype)
    for n, oh, ow, c in np.ndindex(dy.shape):
        h, w = winner[n, oh, ow, c]
        dx[n, h, w, c] += dy[n, oh, ow, c]
    return dx

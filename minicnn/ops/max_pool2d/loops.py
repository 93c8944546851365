"""Max pooling as it is defined."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = np.empty((N, win.OH, win.OW, C), x.dtype)
    argmax = np.empty((N, win.OH, win.OW, C, 2), np.intp)
    for n, oh, ow, c in np.ndindex(y.shape):
        best = None
        for kh in range(win.KH):
            for kw in range(win.KW):
                h, w = oh * win.SH + kh - win.PT, ow * win.SW + kw - win.PL
                if not (0 <= h < H and 0 <= w < W):
                    continue
                value = x[n, h, w, c]
                if best is None or value > best or value != value:
                    best, argmax[n, oh, ow, c] = value, (h, w)
                if value != value:
                    break
            if best is not None and best != best:
                break
        y[n, oh, ow, c] = best
    return y, ((x.shape, argmax) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, argmax = saved
    dx = np.zeros(x_shape, dy.dtype)
    for n, oh, ow, c in np.ndindex(dy.shape):
        h, w = argmax[n, oh, ow, c]
        dx[n, h, w, c] += dy[n, oh, ow, c]
    return dx

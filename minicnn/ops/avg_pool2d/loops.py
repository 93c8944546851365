"""Average pooling as it is defined."""

from __future__ import annotations

import numpy as np

from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = np.empty((N, win.OH, win.OW, C), x.dtype)
    for n, oh, ow, c in np.ndindex(y.shape):
        cells = list(_cells(win, H, W, oh, ow))
        y[n, oh, ow, c] = sum(x[n, h, w, c] for h, w in cells) / len(cells)
    return y, ((x.shape, win) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, win = saved
    dx = np.zeros(x_shape, dy.dtype)
    _, H, W, _ = x_shape
    for n, oh, ow, c in np.ndindex(dy.shape):
        cells = list(_cells(win, H, W, oh, ow))
        for h, w in cells:
            dx[n, h, w, c] += dy[n, oh, ow, c] / len(cells)
    return dx


def _cells(win, H, W, oh, ow):
    """(row, column) of each cell inside the image, for the window of output (oh, ow)."""
    for kh in range(win.KH):
        for kw in range(win.KW):
            h, w = oh * win.SH + kh - win.PT, ow * win.SW + kw - win.PL
            if 0 <= h < H and 0 <= w < W:
                yield h, w

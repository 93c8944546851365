"""The convolution as it is defined: seven loops, two of them in `taps`. They are slow, and every fast variant must give
the same numbers."""

from __future__ import annotations

import numpy as np

from ...shapes import check_convolution, window
from ..max_pool2d import loops as max_pool2d


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    win = window(H, W, (KH, KW), strides, padding, dilation)
    y = np.empty((N, win.OH, win.OW, F), x.dtype)
    for n in range(N):
        for oh in range(win.OH):
            for ow in range(win.OW):
                for f in range(F):
                    total = x.dtype.type(0) if b is None else b[f]
                    for h, w_, kh, kw in taps(win, H, W, oh, ow):
                        for c, channel in enumerate(channels_of(f, C, F, groups)):
                            total += x[n, h, w_, channel] * w[kh, kw, c, f]
                    y[n, oh, ow, f] = 0 if relu and total < 0 else total
    saved = (x, w, b is not None, y if relu else None, win, groups)
    saved_pool = None
    if pool:
        y, saved_pool = max_pool2d.forward(y, pool, pool)
    return y, ((saved, saved_pool) if need_saved else None)


def backward(dy, saved, need_dx=True):
    saved, saved_pool = saved
    if saved_pool is not None:
        dy = max_pool2d.backward(dy, saved_pool)
    x, w, has_bias, y, win, groups = saved
    (N, H, W, C), F = x.shape, w.shape[3]
    dx = np.zeros_like(x) if need_dx else None
    dw = np.zeros_like(w)
    db = np.zeros(F, w.dtype) if has_bias else None
    for n in range(N):
        for oh in range(win.OH):
            for ow in range(win.OW):
                for f in range(F):
                    upstream = dy[n, oh, ow, f]
                    if y is not None and not y[n, oh, ow, f] > 0:
                        upstream = upstream * 0  # not 0: a NaN stays NaN
                    if has_bias:
                        db[f] += upstream
                    for h, w_, kh, kw in taps(win, H, W, oh, ow):
                        for c, channel in enumerate(channels_of(f, C, F, groups)):
                            dw[kh, kw, c, f] += upstream * x[n, h, w_, channel]
                            if need_dx:
                                dx[n, h, w_, channel] += upstream * w[kh, kw, c, f]
    return dx, dw, db


def taps(win, H, W, oh, ow):
    """(row, column, kh, kw) of each tap inside the image, for the window of output (oh, ow)."""
    for kh in range(win.KH):
        for kw in range(win.KW):
            h, w = oh * win.SH + kh * win.DH - win.PT, ow * win.SW + kw * win.DW - win.PL
            if 0 <= h < H and 0 <= w < W:
                yield h, w, kh, kw


def channels_of(f, C, F, groups):
    """The input channels that filter f reads."""
    group = f // (F // groups)
    return range(group * (C // groups), (group + 1) * (C // groups))

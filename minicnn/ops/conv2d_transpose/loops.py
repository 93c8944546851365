"""The transposed convolution as it is defined. It is slow, and every fast variant must give the same numbers."""

from __future__ import annotations

import numpy as np

from ...shapes import check_convolution, transposed_window
from ..conv2d.loops import taps


def forward(
    x, w, b, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False, need_saved=True
):
    check_convolution(x.shape, w.transpose(0, 1, 3, 2).shape, 1)
    (N, H, W, C), (KH, KW, F, _) = x.shape, w.shape
    OH, OW, win = transposed_window(H, W, (KH, KW), strides, padding, output_padding, dilation)
    y = np.zeros((N, OH, OW, F), x.dtype)
    for n in range(N):
        for h in range(H):
            for w_ in range(W):
                for oh, ow, kh, kw in taps(win, OH, OW, h, w_):
                    for f in range(F):
                        for c in range(C):
                            y[n, oh, ow, f] += x[n, h, w_, c] * w[kh, kw, f, c]
    if b is not None:
        y += b
    if relu:
        y[y < 0] = 0
    return y, ((x, w, b is not None, y if relu else None, win) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y, win = saved
    (N, H, W, C), (_, OH, OW, F) = x.shape, dy.shape
    if y is not None:
        dy = np.where(y > 0, dy, dy * 0)  # not 0: a NaN stays NaN
    dx, dw = np.zeros_like(x) if need_dx else None, np.zeros_like(w)
    for n in range(N):
        for h in range(H):
            for w_ in range(W):
                for oh, ow, kh, kw in taps(win, OH, OW, h, w_):
                    for f in range(F):
                        for c in range(C):
                            dw[kh, kw, f, c] += x[n, h, w_, c] * dy[n, oh, ow, f]
                            if need_dx:
                                dx[n, h, w_, c] += w[kh, kw, f, c] * dy[n, oh, ow, f]
    return dx, dw, dy.sum(axis=(0, 1, 2)) if has_bias else None
